//! Places, from the province down, and which of them lies in which.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How the nation is written in packs and facts.
pub const NATIONAL: &str = "national";

/// What may end the name of a province, a city or a county, the longer endings first.
const ENDINGS: [&str; 12] =
    ["特别行政区", "自治区", "自治州", "自治县", "自治旗", "地区", "省", "市", "盟", "县", "区", "旗"];

/// The place of a rule: nothing for the nation, otherwise province, city, county, each by its full name. Packs write it
/// with strokes between: `辽宁省/鞍山市`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(Vec<String>);

impl Place {
    /// Reads what a pack says.
    pub fn new(text: &str) -> Self {
        if text == NATIONAL {
            return Self::default();
        }
        Self(text.split('/').map(str::trim).filter(|level| !level.is_empty()).map(str::to_owned).collect())
    }

    pub fn is_national(&self) -> bool {
        self.0.is_empty()
    }

    /// How local it is: the nation 0, a province 1, a city 2, a county 3. The more local rule goes first.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// Whether `asked` lies here. It is written as people do, with or without endings and strokes: `辽宁鞍山`,
    /// `辽宁省鞍山市岫岩满族自治县`, `辽宁省/鞍山市`.
    pub fn covers(&self, asked: &str) -> bool {
        let mut rest = Some(asked);
        for level in &self.0 {
            rest = rest.and_then(|rest| without(rest, level));
        }
        rest.is_some()
    }
}

/// What is left of `text` behind the name of `level`, which may be written without its ending.
fn without<'a>(text: &'a str, level: &str) -> Option<&'a str> {
    let text = text.trim_start_matches(['/', ' ']);
    let short = ENDINGS.iter().find_map(|ending| level.strip_suffix(ending)).filter(|name| !name.is_empty());
    // `岫岩满族自治县` is called 岫岩, `广西壮族自治区` 广西.
    let first_two = level.char_indices().nth(2).map(|(end, _)| &level[..end]);
    let called = first_two.filter(|_| level.contains("自治"));
    [Some(level), short, called].into_iter().flatten().find_map(|name| text.strip_prefix(name))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&if self.is_national() { NATIONAL.to_owned() } else { self.0.concat() })
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(deserializer)?))
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_recognised_however_it_is_written() {
        let anshan = Place::new("辽宁省/鞍山市");
        for asked in
            ["辽宁鞍山", "辽宁省鞍山市", "辽宁省/鞍山市", "辽宁鞍山岫岩", "辽宁省鞍山市岫岩满族自治县"]
        {
            assert!(anshan.covers(asked), "{asked}");
        }
        for asked in ["national", "辽宁", "辽宁省", "辽宁沈阳", "鞍山", "吉林省吉林市"] {
            assert!(!anshan.covers(asked), "{asked}");
        }
        let xiuyan = Place::new("辽宁省/鞍山市/岫岩满族自治县");
        assert!(xiuyan.covers("辽宁鞍山岫岩") && xiuyan.covers("辽宁省鞍山市岫岩县"));
        assert!(!xiuyan.covers("辽宁鞍山海城"));
        assert!(Place::new("吉林省/吉林市").covers("吉林省吉林市"));
        assert!(Place::new("内蒙古自治区").covers("内蒙古呼伦贝尔"));
        assert!(Place::new("广西壮族自治区").covers("广西南宁"));
    }

    #[test]
    fn the_nation_covers_every_place_and_is_the_least_local() {
        let nation = Place::new(NATIONAL);
        assert!(nation.covers(NATIONAL) && nation.covers("福建厦门") && nation.is_national());
        assert!(nation.depth() < Place::new("辽宁省").depth());
    }
}
