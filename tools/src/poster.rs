//! `adit poster`: the board that hangs at every mine.

use std::path::PathBuf;

use adit_api::paper::{Paper, PaperError, Poster, Size, poster};
use adit_core::office::Office;
use adit_core::refusal::Lang;
use adit_core::text::{Text, TextError};
use adit_core::units::Day;
use anyhow::Result;
use clap::ValueEnum;
use serde_json::json;

use crate::export::write;
use crate::failure::fail;
use crate::output::Refused;

/// Make the board that hangs at every mine (举报奖励公告牌): what to report, how, what it brings, and whom to call in danger.
///
/// The table of rewards is that of the rules in force in this ledger. The code is the address and nothing else, the same for the
/// whole county: a code for each place would tell where somebody works. The fingerprints are those of the ledger's key and of the
/// keys that reports are sealed to; make the board again when these change.
/// 制作举报奖励公告牌（PDF，一页）：奖励金额取自台账中有效的规则；全县同一个二维码；印有台账公钥和封存公钥的指纹，密钥更换后请重新制作。
///
/// Example: adit poster --data /srv/adit --address https://jubao.example.cn --letters '岫岩镇阜昌路1号 应急管理局' board.pdf
#[allow(rustdoc::bare_urls, reason = "it is printed as help, as it is")]
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: crate::DataDir,
    /// Where reports are taken: https:// and a host
    #[arg(long, value_name = "URL")]
    address: String,
    #[arg(long, value_enum, default_value = "a3")]
    paper: PaperSize,
    #[arg(long, value_enum, default_value = "zh")]
    language: Language,
    /// Whose rules it shows, from the province down; the place of the ledger where it is left out
    #[arg(long, value_name = "辽宁省鞍山市…")]
    place: Option<String>,
    /// The day whose rules it shows; today where it is left out
    #[arg(long, value_name = "DATE")]
    date: Option<Day>,
    /// The bureau's own telephone number, beside the hotline
    #[arg(long)]
    telephone: Option<String>,
    /// Where letters and visitors go
    #[arg(long)]
    letters: Option<String>,
    /// The PDF to write
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum PaperSize {
    A3,
    A4,
}

#[derive(Clone, Copy, ValueEnum)]
enum Language {
    Zh,
    En,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let asked = Poster {
        address: args.address.parse().map_err(Refused)?,
        size: match args.paper {
            PaperSize::A3 => Size::A3,
            PaperSize::A4 => Size::A4,
        },
        lang: match args.language {
            Language::Zh => Lang::Zh,
            Language::En => Lang::En,
        },
        place: line("--place", args.place.as_deref())?,
        on: args.date,
        telephone: line("--telephone", args.telephone.as_deref())?,
        letters: line("--letters", args.letters.as_deref())?,
    };
    let ledger = crate::open::ledger(&args.data.data)?;
    ledger.publish_due();
    let made = poster(&Office::open(ledger)?, &asked).map_err(words)?;
    write(&args.out, &made.pdf)?;
    tell(args, &made);
    Ok(())
}

/// A text of one line, as long as there is room for.
fn line<const MAX: usize>(option: &str, text: Option<&str>) -> Result<Option<Text<MAX>>> {
    let Some(text) = text else { return Ok(None) };
    let text = Text::new(text).and_then(|text| {
        if text.as_str().contains(['\n', '\t']) { Err(TextError::Hidden) } else { Ok(text) }
    });
    text.map(Some).map_err(|error| match error {
        TextError::Blank => fail(format!("{option} 是空的"), format!("{option} is blank")),
        TextError::TooLong(most) => {
            fail(format!("{option} 至多 {most} 个字"), format!("{option} takes at most {most} characters"))
        }
        TextError::Hidden => fail(
            format!("{option} 不能含换行、控制字符或改变书写方向的字符"),
            format!("{option} may not hold a line break, a control character, or one that turns the direction of writing"),
        ),
    })
}

fn words(error: PaperError) -> anyhow::Error {
    match error {
        PaperError::Refused(refusal) => Refused(refusal).into(),
        error @ (PaperError::Template { .. } | PaperError::Code | PaperError::Data(_)) => {
            anyhow::Error::from(error)
        }
    }
}

fn tell(args: &Args, made: &Paper) {
    let missing: Vec<String> = made.missing.iter().map(|c| format!("{c} U+{:04X}", u32::from(*c))).collect();
    if args.json {
        say!("{}", json!({ "pages": made.pages, "bytes": made.pdf.len(), "missing": missing }));
        return;
    }
    say!("已制作 / made: {}, {} kB", args.out.display(), made.pdf.len() / 1024);
    if !missing.is_empty() {
        say!("  字库没有的字，印成方框 / not in the font, printed as a box: {}", missing.join("  "));
    }
}
