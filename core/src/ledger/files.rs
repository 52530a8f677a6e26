//! The files that prove something, at rest: age files among the sealed ones, to an identity that follows from the data key.
//!
//! Whoever may read a body may see the files that it names, so the ledger opens them, as it opens bodies; the key lies outside the
//! data folder and its backups. What reporters send is never sealed to it.

use zeroize::Zeroizing;

use crate::ledger::blobs::{BlobError, Blobs};
use crate::seal::{self, Identity, SealError};

/// What the identity is derived for; it opens nothing else.
const CONTEXT: &str = "adit.v1 files that prove something";

/// Why a file can't be given. Names the file, which is a hash, and nothing of its content.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(
        "the file {0} is not one that this ledger sealed: its data key is another, or somebody else sealed it"
    )]
    NotOurs(String),
}

/// Seals and opens files that prove something.
#[derive(Clone)]
pub struct Files {
    blobs: Blobs,
    identity: Identity,
    recipient: String,
}

impl Files {
    /// The files of the ledger with this data key.
    pub(crate) fn new(blobs: Blobs, data_key: &[u8; 32]) -> Self {
        let identity = Identity::from_bytes(&Zeroizing::new(blake3::derive_key(CONTEXT, data_key)));
        let recipient = identity.recipient();
        Self { blobs, identity, recipient }
    }

    /// To whom they are sealed, `age1…`.
    pub fn recipient(&self) -> &str {
        &self.recipient
    }

    /// The content of a file, whole: what was sealed has the hash that it is named by, and nothing in it was changed.
    pub fn open(&self, hash: &str) -> Result<Zeroizing<Vec<u8>>, FileError> {
        let sealed = self.blobs.read(hash)?;
        seal::open(&sealed, &self.identity).map_err(|error| match error {
            SealError::Damaged => BlobError::Damaged(hash.to_owned()).into(),
            SealError::NoRecipient
            | SealError::BadRecipient(_)
            | SealError::NotSealed
            | SealError::OtherRecipient
            | SealError::Io(_) => FileError::NotOurs(hash.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::disk::FaultyDisk;
    use crate::seal::Kind;
    use std::path::Path;
    use std::sync::Arc;

    #[test]
    fn what_is_sealed_to_the_ledger_is_opened_by_its_data_key_alone() {
        let blobs = Blobs::open(Arc::new(FaultyDisk::default()), Path::new("/data")).expect("opened");
        let (files, other) = (Files::new(blobs.clone(), &[7; 32]), Files::new(blobs.clone(), &[8; 32]));
        let sealed = seal::seal(b"photograph", [files.recipient()], Kind::File).expect("sealed");
        let hash = blobs.put(&sealed).expect("kept");
        assert_eq!(files.open(&hash).expect("opened").as_slice(), b"photograph");
        assert!(matches!(other.open(&hash), Err(FileError::NotOurs(named)) if named == hash));
        let plain = blobs.put(b"photograph").expect("kept");
        assert!(matches!(files.open(&plain), Err(FileError::NotOurs(_))));
        assert!(matches!(files.open(&"0".repeat(64)), Err(FileError::Blob(BlobError::Missing(_)))));
    }
}
