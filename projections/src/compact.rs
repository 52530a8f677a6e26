//! Compact storage for folds over millions of facts: tables found by key, interned words, days in four bytes.
//!
//! Ids are kept as bytes and days as numbers, because their text forms would make a snapshot slow to read and large.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hash};

use adit_core::event::Fact;
use adit_core::id::{ActorId, Id, StreamId, StreamKind};
use adit_core::units::{Day, Position};
use hashbrown::{DefaultHashBuilder, HashTable};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Index of a row that does not exist.
pub(crate) const NONE: u32 = u32::MAX;

/// Rows in the order in which they first came, found by key. Holds fewer than 2^32 rows.
///
/// The hash table only finds rows: what leaves a table is in the order of the log. It holds numbers of rows and no keys,
/// because a million keys in each read model would be a good part of its memory.
#[derive(Clone, Debug)]
pub(crate) struct Table<K, V> {
    rows: Vec<(K, V)>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: Vec::new(), index: HashTable::new(), hasher: DefaultHashBuilder::default() }
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

impl<K: Eq + Hash, V> Table<K, V> {
    pub(crate) fn find<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<u32>
    where
        K: Borrow<Q>,
    {
        let is = |row: &u32| self.at(*row).is_some_and(|(known, _)| known.borrow() == key);
        self.index.find(self.hasher.hash_one(key), is).copied()
    }

    pub(crate) fn at(&self, row: u32) -> Option<&(K, V)> {
        self.rows.get(row as usize)
    }

    pub(crate) fn at_mut(&mut self, row: u32) -> Option<&mut V> {
        self.rows.get_mut(row as usize).map(|(_, value)| value)
    }

    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.at(self.find(key)?).map(|(_, value)| value)
    }

    pub(crate) fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.at_mut(self.find(key)?)
    }

    /// The row of `key`, made by `value` when there is none yet.
    pub(crate) fn row(&mut self, key: K, value: impl FnOnce() -> V) -> u32 {
        if let Some(row) = self.find(&key) {
            return row;
        }
        let row = self.len();
        self.rows.push((key, value()));
        self.enter(row);
        row
    }

    /// Lets the last row be found.
    fn enter(&mut self, row: u32) {
        let Self { rows, index, hasher } = self;
        let hash = |row: &u32| rows.get(*row as usize).map_or(0, |(key, _)| hasher.hash_one(key));
        index.insert_unique(hash(&row), row, hash);
    }

    /// Puts `value` under `key`, in the place of what was there.
    pub(crate) fn put(&mut self, key: K, value: V) {
        match self.find(&key).and_then(|row| self.at_mut(row)) {
            Some(place) => *place = value,
            None => {
                self.row(key, || value);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.rows.iter()
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap_or(NONE)
    }
}

impl<K: Serialize, V: Serialize> Serialize for Table<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.rows.serialize(serializer)
    }
}

impl<'de, K, V> Deserialize<'de> for Table<K, V>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = Vec::<(K, V)>::deserialize(deserializer)?;
        let index = HashTable::with_capacity(rows.len());
        let mut table = Self { rows, index, hasher: DefaultHashBuilder::default() };
        for row in 0..table.len() {
            table.enter(row);
        }
        Ok(table)
    }
}

/// Texts that come again and again, each kept once and named by number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Words(Table<Box<str>, ()>);

impl Words {
    pub(crate) fn number(&mut self, text: &str) -> u32 {
        self.0.find(text).unwrap_or_else(|| self.0.row(text.into(), || ()))
    }

    /// All texts, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(text, ())| &**text)
    }

    /// The number of a text that was given one.
    pub(crate) fn find(&self, text: &str) -> Option<u32> {
        self.0.find(text)
    }

    /// Empty for a number that was never given.
    pub(crate) fn text(&self, number: u32) -> &str {
        self.0.at(number).map_or("", |(text, ())| text)
    }

    pub(crate) fn option(&self, number: u32) -> Option<String> {
        (number != NONE).then(|| self.text(number).to_owned())
    }
}

/// Rows that wait for something, by what they wait for, in the order of the log: few among millions that are done with, and found
/// without looking at these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Waiting<K: Ord>(BTreeMap<K, BTreeSet<u32>>);

impl<K: Ord> Default for Waiting<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Waiting<K> {
    /// A row that waited for one thing waits for another; `None` is nothing.
    pub(crate) fn moves(&mut self, row: u32, from: Option<K>, to: Option<K>) {
        if from == to {
            return;
        }
        if let Some(rows) = from.and_then(|from| self.0.get_mut(&from)) {
            rows.remove(&row);
        }
        if let Some(to) = to {
            self.0.entry(to).or_default().insert(row);
        }
    }

    /// Rows that wait for this.
    pub(crate) fn rows(&self, wait: &K) -> &BTreeSet<u32> {
        static NOBODY: BTreeSet<u32> = BTreeSet::new();
        self.0.get(wait).unwrap_or(&NOBODY)
    }

    /// Rows that wait for this; for anything where nothing is named, and then in no order.
    pub(crate) fn of(&self, wait: Option<K>) -> impl Iterator<Item = u32> {
        let named = self.0.iter().filter(move |(key, _)| wait.as_ref().is_none_or(|wait| wait == *key));
        named.flat_map(|(_, rows)| rows).copied()
    }
}

/// The long texts of a table's rows, one behind the other, so that words are found in millions of them at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Texts {
    all: String,
    /// Where the texts of each row end.
    ends: Vec<u64>,
}

/// Stands between texts; people can't type it.
const BETWEEN: char = '\0';

impl Texts {
    /// Adds the next row.
    pub(crate) fn push(&mut self, texts: &[&str]) {
        for text in texts {
            self.all.push_str(text);
            self.all.push(BETWEEN);
        }
        self.ends.push(self.all.len() as u64);
    }

    fn end(&self, row: u32) -> usize {
        self.ends.get(row as usize).and_then(|end| usize::try_from(*end).ok()).unwrap_or(self.all.len())
    }

    /// The texts of a row.
    pub(crate) fn of(&self, row: u32) -> impl Iterator<Item = &str> {
        let begin = row.checked_sub(1).map_or(0, |before| self.end(before));
        let row = self.all.get(begin..self.end(row)).unwrap_or_default();
        row.split_terminator(BETWEEN)
    }

    /// Which rows have these words somewhere.
    pub(crate) fn with(&self, words: &str) -> Vec<bool> {
        let mut found = vec![false; self.ends.len()];
        let finder = memchr::memmem::Finder::new(words);
        let (mut from, mut row) = (0, 0_u32);
        while let Some(hit) = self.all.as_bytes().get(from..).and_then(|rest| finder.find(rest)) {
            let at = from + hit;
            while self.end(row) <= at {
                row += 1;
            }
            match found.get_mut(row as usize) {
                Some(one) => *one = true,
                None => break,
            }
            from = self.end(row);
        }
        found
    }
}

/// The 128 bits of an id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Key([u8; 16]);

impl Key {
    pub(crate) fn of(stream: &StreamId) -> Self {
        Self(stream.id.0)
    }

    pub(crate) fn of_actor(actor: ActorId) -> Self {
        Self(actor.0.0)
    }

    pub(crate) fn stream(self, kind: StreamKind) -> StreamId {
        StreamId::new(kind, Id(self.0))
    }
}

/// A stream of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct StreamKey(u8, Key);

impl StreamKey {
    pub(crate) fn of(stream: &StreamId) -> Self {
        let kind = StreamKind::ALL.iter().zip(0..).find(|(kind, _)| **kind == stream.kind);
        Self(kind.map_or(0, |(_, number)| number), Key::of(stream))
    }

    /// Number of the kind, as in [`StreamKind::ALL`].
    pub(crate) fn kind(self) -> u8 {
        self.0
    }

    /// The stream of a row that does not exist.
    pub(crate) fn nowhere() -> StreamId {
        StreamId::new(StreamKind::Ledger, Id::default())
    }

    pub(crate) fn stream(self) -> StreamId {
        let kind = StreamKind::ALL.get(usize::from(self.0)).copied();
        self.1.stream(kind.unwrap_or(StreamKind::Ledger))
    }
}

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct DayNumber(i32);

impl From<Day> for DayNumber {
    fn from(day: Day) -> Self {
        Self(i32::try_from(day.days_since(Day::default())).unwrap_or(i32::MAX))
    }
}

impl From<DayNumber> for Day {
    fn from(number: DayNumber) -> Self {
        Self::from_epoch_days(number.0)
    }
}

impl DayNumber {
    pub(crate) const MIN: Self = Self(i32::MIN);

    /// The days from this one up to `last`.
    pub(crate) fn up_to(self, last: Self) -> impl Iterator<Item = Self> {
        (self.0..=last.0).map(Self)
    }

    /// Days from `first` to this one; far beyond every table when it lies before.
    pub(crate) fn days_after(self, first: Self) -> usize {
        usize::try_from(i64::from(self.0) - i64::from(first.0)).unwrap_or(usize::MAX)
    }
}

/// A position in two halves, so that what holds one is not rounded up to eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place(u32, u32);

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self(half(position.0 >> 32), half(position.0))
    }
}

impl From<Place> for Position {
    fn from(place: Place) -> Self {
        Self(u64::from(place.0) << 32 | u64::from(place.1))
    }
}

/// A position and its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct When {
    place: Place,
    pub(crate) day: DayNumber,
}

impl When {
    pub(crate) fn new(position: Position, day: impl Into<DayNumber>) -> Self {
        Self { place: position.into(), day: day.into() }
    }

    /// Position and day of a fact.
    pub(crate) fn of(fact: &Fact) -> Self {
        Self::new(fact.position, fact.day)
    }

    pub(crate) fn position(self) -> Position {
        self.place.into()
    }
}

/// Who signed together: each combination is kept once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Signers(Table<Vec<Key>, ()>);

impl Signers {
    pub(crate) fn number(&mut self, by: &[ActorId]) -> u32 {
        let keys: Vec<Key> = by.iter().map(|actor| Key::of_actor(*actor)).collect();
        self.0.find(&keys).unwrap_or_else(|| self.0.row(keys, || ()))
    }

    /// Whether an actor is among those who signed together, for each number.
    pub(crate) fn with(&self, actor: ActorId) -> Vec<bool> {
        self.0.iter().map(|(keys, ())| keys.contains(&Key::of_actor(actor))).collect()
    }

    pub(crate) fn actors(&self, number: u32) -> Vec<ActorId> {
        let keys = self.0.at(number).map(|(keys, ())| keys.as_slice()).unwrap_or_default();
        keys.iter().map(|key| ActorId(Id(key.0))).collect()
    }
}
