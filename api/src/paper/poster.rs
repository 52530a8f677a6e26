//! 举报奖励公告牌: the board at every mine that says what to report, how, and what it brings.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use adit_core::office::Office;
use adit_core::refusal::{Lang, Refusal};
use adit_core::report::{fingerprint, intake};
use adit_core::rules::place::NATIONAL;
use adit_core::rules::reward::{self, Offer, Offers, RewardRule, Sector};
use adit_core::text::Text;
use adit_core::units::Day;
use serde::Serialize;

use super::{Paper, PaperError, Size, Template, in_fours, print, qr, words};
use crate::reporter::language::Language;

/// Longest address; a longer one can't be typed from a board.
pub const ADDRESS_CHARS_MAX: usize = 80;
/// Longest telephone number, with what stands beside it.
pub const TELEPHONE_CHARS_MAX: usize = 24;
/// Longest address for letters and visits.
pub const LETTERS_CHARS_MAX: usize = 50;

const TEMPLATE: Template = Template { name: "poster", markup: include_str!("../../paper/poster.typ") };
/// Pictures of the plain kinds, as the report page has them.
const ICONS: &str = include_str!("../../templates/reporter/icons.svg");
/// Who answers when somebody calls: number, word, source.
const CALLS: &str = include_str!("../../words/paper/calls.tsv");

/// Where reports are taken: the same for the whole county. What could tell one board from another is refused, because it would
/// tell where somebody works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Address {
    type Err = Refusal;

    /// `https://` and a host, or `http://` and an onion service; a port may follow.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let host = rest.strip_suffix('/').unwrap_or(rest);
        let (name, port) = host.split_once(':').unwrap_or((host, "443"));
        let onion = name.rsplit('.').next() == Some("onion");
        if scheme != "https" && !(scheme == "http" && onion) {
            return Err(Refusal::new("poster.address_not_secure"));
        }
        if host.contains(['/', '?', '#', '@']) {
            return Err(Refusal::new("poster.address_tells_where"));
        }
        let label = |label: &str| {
            let plain = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            !label.is_empty() && plain
        };
        if !name.split('.').all(label) || port.parse::<u16>().is_err() || text.len() > ADDRESS_CHARS_MAX {
            return Err(not_a_host());
        }
        Ok(Self(format!("{scheme}://{host}")))
    }
}

fn not_a_host() -> Refusal {
    Refusal::new("poster.address_not_a_host").with("most", &ADDRESS_CHARS_MAX.to_string())
}

/// What stands on a board besides the rules and the keys.
#[derive(Clone, Debug)]
pub struct Poster {
    pub address: Address,
    pub size: Size,
    pub lang: Lang,
    /// Where it will hang, from the province down; the place of the ledger where it is none.
    pub place: Option<Text<40>>,
    /// The day whose rules it shows; today where it is none.
    pub on: Option<Day>,
    pub telephone: Option<Text<TELEPHONE_CHARS_MAX>>,
    /// Where letters and visitors go.
    pub letters: Option<Text<LETTERS_CHARS_MAX>>,
}

#[derive(Serialize)]
struct Data {
    size: &'static str,
    /// How large everything is; smaller where a rule says much.
    percent: usize,
    place: String,
    origin: String,
    address: String,
    /// In points, so that it fits in one line.
    address_pt: usize,
    qr: String,
    kinds: Vec<Kind>,
    rewards: Vec<Row>,
    sources: Vec<String>,
    channels: Vec<Channel>,
    danger: Vec<Call>,
    proof: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Kind {
    icon: String,
    name: String,
}

#[derive(Serialize)]
struct Row {
    what: String,
    who: String,
    gives: Vec<String>,
    bounds: Vec<String>,
}

#[derive(Serialize)]
struct Channel {
    name: String,
    value: String,
    share: usize,
    pt: usize,
}

#[derive(Serialize)]
struct Call {
    number: &'static str,
    name: String,
}

/// The board as a PDF of one page, with the rules and keys of this ledger. Whoever calls has made sure that it may be asked for.
///
/// # Errors
/// Refused where no rule in force gives a reward at that place and on that day, where the ledger names nobody to seal to, or
/// where the rules have more rows than a board has room for.
pub fn poster(office: &Office, asked: &Poster) -> Result<Paper, PaperError> {
    let ledger = office.ledger();
    let on = asked.on.unwrap_or_else(|| ledger.now().day());
    let rules = office.rules();
    let place = asked.place.as_ref().map_or_else(|| rules.place().to_owned(), ToString::to_string);
    let offers = reward::offers(&rules, &place, on);
    if offers.fines.is_empty() && offers.deaths.is_empty() {
        return Err(PaperError::Refused(Refusal::new("poster.no_reward_in_force")));
    }
    let recipients = intake(&ledger.keys(), ledger.size(), &BTreeSet::new());
    if recipients.is_empty() {
        return Err(PaperError::Refused(Refusal::new("poster.nobody_to_seal_to")));
    }
    let page = Page { lang: asked.lang };
    let many = [("many", recipients.len().to_string())];
    let proof = vec![
        (page.word("log_key", &[]), in_fours(&ledger.log_key().vkey().fingerprint())),
        (page.word("recipients", &many), fingerprint(&recipients)),
        (page.word("printed", &[]), format!("{on} · {} · {}", ledger.origin(), rules.version())),
    ];
    let qr = qr(asked.address.as_str()).ok_or(PaperError::Code)?;
    let mut data = Data {
        size: asked.size.name(),
        percent: 100,
        place: if place == NATIONAL { page.word("nation", &[]) } else { place },
        origin: ledger.origin().to_owned(),
        address: asked.address.to_string(),
        address_pt: (1270 / asked.address.as_str().len()).clamp(12, 34),
        qr,
        kinds: page.kinds(),
        rewards: page.rewards(&offers),
        sources: page.sources(&offers),
        channels: page.channels(asked),
        danger: page.danger(),
        proof,
    };
    for percent in [100, 94, 88, 82, 76, 70] {
        data.percent = percent;
        let made = print(&TEMPLATE, asked.lang, &data)?;
        if made.pages == 1 {
            return Ok(made);
        }
    }
    Err(PaperError::Refused(Refusal::new("poster.no_room")))
}

/// What a board says, in one language.
struct Page {
    lang: Lang,
}

impl Page {
    fn word(&self, key: &str, details: &[(&str, String)]) -> String {
        self.words(key, details).join(" ")
    }

    fn words(&self, key: &str, details: &[(&str, String)]) -> Vec<String> {
        words::lines(self.lang, TEMPLATE.name, key, details)
    }

    /// The words of the reporter's pages.
    fn reporter(&self) -> Language {
        match self.lang {
            Lang::Zh => Language::Zh,
            Lang::En => Language::En,
        }
    }

    fn kinds(&self) -> Vec<Kind> {
        let kind = |symbol: &str| {
            let (code, drawing) = symbol.split_once("\" viewBox=\"0 0 24 24\">")?;
            let drawing = drawing.split("</symbol>").next()?;
            let icon = format!(
                r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" color="#fff" fill="#fff">{drawing}</svg>"##
            );
            Some(Kind { icon, name: self.reporter().t(&format!("kind.{code}")) })
        };
        ICONS.split("<symbol id=\"i-").skip(1).filter_map(kind).collect()
    }

    fn rewards(&self, offers: &Offers<'_>) -> Vec<Row> {
        let fines = offers.fines.iter().map(|offer| {
            let levels = offer.gives.share_level_1 != offer.gives.share_level_2;
            let percent = |share: i64| [("percent", reward::percent(share))];
            let gives = if levels {
                let first = self.word("share_level_1", &percent(offer.gives.share_level_1));
                vec![first, self.word("share_level_2", &percent(offer.gives.share_level_2))]
            } else {
                vec![self.word("share", &percent(offer.gives.share_level_1))]
            };
            let floor = self.word("least", &[("amount", self.yuan(offer.gives.floor_fen))]);
            self.row(self.word("hazards", &[]), offer, gives, vec![floor, self.most(offer.gives.cap_fen)])
        });
        let deaths = offers.deaths.iter().map(|offer| {
            let amounts = [
                ("general", self.yuan(offer.gives.general_fen)),
                ("larger", self.yuan(offer.gives.larger_fen)),
                ("major", self.yuan(offer.gives.major_fen)),
                ("extraordinary", self.yuan(offer.gives.extraordinary_fen)),
            ];
            self.row(
                self.word("concealed", &[]),
                offer,
                self.words("deaths", &amounts),
                vec![self.most(offer.gives.cap_fen)],
            )
        });
        let no_fines = offers.no_fines.iter().map(|offer| {
            let tier = |tier: &reward::Tier| {
                let details = [("tier", tier.name.clone()), ("amount", self.yuan(tier.amount_fen))];
                self.word("tier", &details)
            };
            self.row(
                self.word("no_fine", &[]),
                offer,
                offer.gives.tier.iter().map(tier).collect(),
                Vec::new(),
            )
        });
        let insiders = offers.insiders.iter().map(|offer| {
            let gives = self.word("uplift", &[("percent", reward::percent(offer.gives.uplift))]);
            let cap = if offer.gives.uplifts_cap {
                self.word("cap_rises", &[])
            } else {
                self.word("cap_stays", &[])
            };
            self.row(self.word("insiders", &[]), offer, vec![gives], vec![cap])
        });
        fines.chain(deaths).chain(no_fines).chain(insiders).collect()
    }

    fn row<P>(&self, what: String, offer: &Offer<'_, P>, gives: Vec<String>, bounds: Vec<String>) -> Row {
        let all = offer.sectors.len() == Sector::ALL.len();
        let sector = |sector: &Sector| self.word(&format!("sector_{}", sector.name()), &[]);
        let named: Vec<String> = offer.sectors.iter().map(sector).collect();
        let who = if all { String::new() } else { named.join(&self.word("comma", &[])) };
        Row { what, who, gives, bounds }
    }

    fn most(&self, cap_fen: i64) -> String {
        self.word("most", &[("amount", self.yuan(cap_fen))])
    }

    /// An amount as people say it: `3,000 元`, `30 万元`.
    fn yuan(&self, fen: i64) -> String {
        let (yuan, rest) = (fen / 100, fen % 100);
        if self.lang == Lang::Zh && rest == 0 && yuan % 10_000 == 0 && yuan > 0 {
            return format!("{} 万元", grouped(yuan / 10_000));
        }
        let cents = if rest == 0 { String::new() } else { format!(".{rest:02}") };
        let unit = if self.lang == Lang::Zh { " 元" } else { "" };
        format!("{}{cents}{unit}", grouped(yuan))
    }

    /// Each rule that the table took something from, by document and article; and the one that it still waits for.
    fn sources(&self, offers: &Offers<'_>) -> Vec<String> {
        let said = |rule: &RewardRule, article: &str| format!("《{}》{}", rule.name, rule.source(article));
        let fines = offers.fines.iter().map(|offer| said(offer.rule, &offer.gives.article));
        let deaths = offers.deaths.iter().map(|offer| said(offer.rule, &offer.gives.article));
        let no_fines = offers.no_fines.iter().map(|offer| said(offer.rule, &offer.gives.article));
        let insiders = offers.insiders.iter().map(|offer| said(offer.rule, &offer.gives.article));
        let mut sources: Vec<String> = fines.chain(deaths).chain(no_fines).chain(insiders).collect();
        sources.extend(offers.waiting.map(|rule| {
            Refusal::new("reward.local_rule_missing").with("rule", &rule.name).words(self.lang).says
        }));
        sources
    }

    fn channels(&self, asked: &Poster) -> Vec<Channel> {
        let channel = |name: String, value: String, share, pt| Channel { name, value, share, pt };
        let hotline = calls()
            .filter(|call| call.word == "hotline")
            .map(|call| channel(self.word("hotline", &[]), call.number.to_owned(), 10, 30));
        let own = asked
            .telephone
            .as_ref()
            .map(|value| channel(self.word("office_telephone", &[]), value.to_string(), 13, 19));
        let letters =
            asked.letters.as_ref().map(|value| channel(self.word("letters", &[]), value.to_string(), 20, 14));
        hotline.chain(own).chain(letters).collect()
    }

    fn danger(&self) -> Vec<Call> {
        let urgent = calls().filter(|call| call.word != "hotline");
        urgent
            .map(|call| Call { number: call.number, name: self.reporter().t(&format!("home.{}", call.word)) })
            .collect()
    }
}

/// A number that anybody may call, and the word for who answers.
struct Known {
    number: &'static str,
    word: &'static str,
}

fn calls() -> impl Iterator<Item = Known> {
    let rows = CALLS.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| {
        let mut columns = line.split('\t');
        Some(Known { number: columns.next()?, word: columns.next()? })
    })
}

/// `30,000`.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_host_and_nothing_that_tells_one_board_from_another() {
        for text in [
            "https://jubao.example.cn",
            "https://jubao.example.cn/",
            "https://jubao.example.cn:8443",
            "http://abcdefgh.onion",
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.as_str(), text.trim_end_matches('/'));
        }
        for (text, code) in [
            ("http://jubao.example.cn", "poster.address_not_secure"),
            ("jubao.example.cn", "poster.address_not_secure"),
            ("https://jubao.example.cn/?mine=7", "poster.address_tells_where"),
            ("https://jubao.example.cn/mine-7", "poster.address_tells_where"),
            ("https://jubao.example.cn#7", "poster.address_tells_where"),
            ("https://mine7@jubao.example.cn", "poster.address_tells_where"),
            ("https://", "poster.address_not_a_host"),
            ("https://举报.cn", "poster.address_not_a_host"),
            ("https://a..cn", "poster.address_not_a_host"),
            ("https://jubao.example.cn:99999", "poster.address_not_a_host"),
        ] {
            assert_eq!(text.parse::<Address>().expect_err(text).code, code, "{text}");
        }
        let long = format!("https://{}.cn", "a".repeat(ADDRESS_CHARS_MAX));
        assert_eq!(long.parse::<Address>().expect_err("too long").code, "poster.address_not_a_host");
    }

    #[test]
    fn amounts_are_written_as_people_say_them() {
        let (zh, en) = (Page { lang: Lang::Zh }, Page { lang: Lang::En });
        for (fen, says, in_english) in [
            (300_000, "3,000 元", "3,000"),
            (30_000_000, "30 万元", "300,000"),
            (3_150_000, "31,500 元", "31,500"),
            (1_000_000_000, "1,000 万元", "10,000,000"),
            (301_550, "3,015.50 元", "3,015.50"),
            (0, "0 元", "0"),
        ] {
            assert_eq!(zh.yuan(fen), says);
            assert_eq!(en.yuan(fen), in_english);
        }
    }

    #[test]
    fn every_kind_of_the_report_page_has_its_picture_and_its_name() {
        let kinds = Page { lang: Lang::Zh }.kinds();
        let listed = include_str!("../../words/reporter/kinds.tsv").lines().count();
        assert_eq!(kinds.len(), listed);
        assert!(kinds.iter().all(|kind| !kind.name.starts_with("kind.") && kind.icon.ends_with("/></svg>")));
    }
}
