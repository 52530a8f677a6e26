//! What no case and no story has, so that no page of a demonstration is empty: photographs, a joint report whose words everybody
//! knows, and a rule pack of the bureau's own. All of it is plainly fictional.

use std::collections::BTreeSet;
use std::io::Cursor;

use adit_core::attachment::Attachment;
use adit_core::command::Command;
use adit_core::hazard::{self, HazardCommand};
use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::inspection::{InspectionCommand, NothingFound, Perform};
use adit_core::ledger::vkey::hex;
use adit_core::report::{Blob, Channel, Empty, Join, Report, ReportCommand, TESTIMONY_V, Testimony, intake};
use adit_core::rulebook::{Amend, RulesCommand};
use adit_core::rules::five_in_place::Element;
use adit_core::rules::reward::Matter;
use adit_core::seal::{self, Kind};
use adit_core::secret::Secret;
use anyhow::{Context, Result};
use image::{ImageFormat, Rgb, RgbImage};
use sha2::{Digest, Sha256};

use super::Step;
use super::cast::{Cast, text};
use super::stories::{HALF, INSPECTORS, RELIEVED, day, element, on_hazard, step};

/// The twelve words of the joint report: sixteen bytes 0x7f, as BIP-39 writes them. Everybody knows them.
pub(crate) const WORDS: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";

pub(crate) fn steps() -> Vec<Step> {
    vec![
        step(day(2024, 3, 8), |cast| {
            let mut shown: hazard::Evidence = element(Element::Measures)?.into();
            shown.files = vec![photograph(cast, "measures.png", [46, 92, 138])?];
            on_hazard(cast, HALF, HazardCommand::Evidence(shown), &[HALF])
        }),
        step(day(2024, 5, 27), inspect),
        step(day(2024, 6, 11), report_jointly),
        step(day(2024, 7, 1), amend),
    ]
}

/// An inspection with photographs that found nothing.
fn inspect(cast: &mut Cast) -> Result<()> {
    let perform = Perform {
        enterprise: cast.stream(RELIEVED)?,
        day: cast.today(),
        checked: text("示例：坝体、排水和监测")?,
        files: vec![
            photograph(cast, "dam.png", [120, 96, 64])?,
            photograph(cast, "drain.png", [64, 110, 96])?,
        ],
    };
    let perform = Command::Inspection(InspectionCommand::Perform(perform));
    let inspection = cast.act_on(None, perform, &INSPECTORS)?.stream;
    let nothing = NothingFound { checked: text("示例：未发现隐患")? };
    let nothing = Command::Inspection(InspectionCommand::NothingFound(nothing));
    cast.act_on(Some(inspection), nothing, &INSPECTORS)?;
    Ok(())
}

/// A small picture of stripes, sealed as evidence is.
fn photograph(cast: &Cast, name: &str, colour: [u8; 3]) -> Result<Attachment> {
    let stripes = RgbImage::from_fn(320, 240, |x, y| {
        let light = if (x + y) / 40 % 2 == 0 { 0 } else { 60 };
        Rgb(colour.map(|part: u8| part.saturating_add(light)))
    });
    let mut content = Cursor::new(Vec::new());
    stripes.write_to(&mut content, ImageFormat::Png)?;
    let content = content.into_inner();
    let ledger = cast.office.ledger();
    let (blobs, files) = ledger.blobs().zip(ledger.files()).context("the play has no folder for files")?;
    let sealed = seal::seal(&content, [files.recipient()], Kind::File)?;
    Ok(Attachment {
        blob: text(&blobs.put(&sealed)?)?,
        name: text(name)?,
        kind: text("image/png")?,
        bytes: content.len() as u64,
        sha256: text(&hex(&Sha256::digest(&content)))?,
    })
}

/// Two report together: the first one's words open it at `/my`.
fn report_jointly(cast: &mut Cast) -> Result<()> {
    let (first, second) = (Secret::parse(WORDS)?, Secret::generate()?);
    let origin = cast.office.ledger().origin().to_owned();
    let stream = StreamId::new(StreamKind::Report, Id::random()?);
    let (key, other) = (first.sign_key(&origin, &stream)?, second.sign_key(&origin, &stream)?);
    let own = first.identity(&origin).recipient();
    let report = Report {
        matter: Matter::MajorHazard,
        channel: Channel::Web,
        key: Some(key.vkey()),
        claim_key: Some(text(&first.claim_public(&origin)?)?),
        recipient: Some(text(&own)?),
        insider: true,
        testimony: Some(sealed(cast, "示例：尾矿库排洪设施堵塞，三个人一起看到的", &own)?),
        files: Vec::new(),
        excluded: Vec::new(),
        pickup: None,
    };
    cast.sign(Some(stream), Command::Report(ReportCommand::Report(report)), &[&key])?;
    let join = Join {
        key: other.vkey(),
        claim_key: Some(text(&second.claim_public(&origin)?)?),
        recipient: Some(text(&second.identity(&origin).recipient())?),
        invitation: None,
    };
    cast.sign(Some(stream), Command::Report(ReportCommand::Join(join)), &[&key, &other])?;
    cast.act_on(Some(stream), Command::Report(ReportCommand::Accept(Empty {})), &["clerk"])?;
    cast.share(stream, &["inspector-1", "handler"])
}

/// Words of a reporter, sealed to intake and to themselves.
fn sealed(cast: &Cast, words: &str, own: &str) -> Result<Blob> {
    let ledger = cast.office.ledger();
    let mut recipients = intake(&ledger.keys(), ledger.size(), &BTreeSet::new());
    recipients.push(own.to_owned());
    let told = Testimony {
        v: TESTIMONY_V,
        language: "zh".to_owned(),
        words: words.to_owned(),
        ..Testimony::default()
    };
    let sealed = seal::seal(&serde_json::to_vec(&told)?, recipients.iter().map(String::as_str), Kind::Text)?;
    let hash = ledger.blobs().context("the play has no folder for sealed files")?.put(&sealed)?;
    Blob::new(&hash, sealed.len() as u64, &recipients).context("the sealed words have no hash")
}

/// The bureau inspects what bears a major risk every two months, and not every three.
fn amend(cast: &mut Cast) -> Result<()> {
    let rules = cast.office.rules();
    let pack = rules.packs().iter().find(|pack| pack.id == "duty").context("a pack")?;
    let stricter = pack.text.replace("risk = \"major\"\nmonths = 3", "risk = \"major\"\nmonths = 2");
    let amend = Amend {
        pack: "duty".to_owned(),
        text: text(&stricter)?,
        decision: text("示例：局办公会纪要（虚构）")?,
    };
    cast.act("rules", Command::Rules(RulesCommand::Amend(amend)), &["approver"])?;
    Ok(())
}
