//! A sum over what an index holds, whatever the order: two indexes with the same sum hold the same.
//!
//! Each pair is hashed under a key that is drawn for one check, so that nobody can prepare other pairs with the same sum.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    key: [u8; 32],
    lanes: [u64; 4],
    pub(crate) pairs: u64,
}

impl Sum {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key, lanes: [0; 4], pairs: 0 }
    }

    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&(key.len() as u64).to_be_bytes()).update(key).update(value);
        let hash = *hasher.finalize().as_bytes();
        for (lane, bytes) in self.lanes.iter_mut().zip(hash.as_chunks::<8>().0) {
            *lane = lane.wrapping_add(u64::from_be_bytes(*bytes));
        }
        self.pairs += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_nothing_and_every_byte_is_something() {
        let sum = |pairs: &[(&[u8], &[u8])]| {
            let mut sum = Sum::new([7; 32]);
            for (key, value) in pairs {
                sum.add(key, value);
            }
            sum
        };
        assert_eq!(sum(&[(b"a", b"1"), (b"b", b"2")]), sum(&[(b"b", b"2"), (b"a", b"1")]));
        assert_ne!(sum(&[(b"a", b"1")]), sum(&[(b"a", b"2")]));
        assert_ne!(sum(&[(b"ab", b"c")]), sum(&[(b"a", b"bc")]));
        assert_ne!(sum(&[(b"a", b"1")]), sum(&[(b"a", b"1"), (b"a", b"1")]));
    }
}
