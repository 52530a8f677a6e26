//! Documents on A4, as other people's programs read them: fonts, text, pages, and the code in a picture of them.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command as Program;

use adit_api::paper::{
    Attached, Certificate, Finding, InspectionRecord, Paper, Proof, Signer, certificate, inspection_record,
};
use adit_core::refusal::Lang;
use adit_core::units::Position;

use crate::common::Server;

/// A PDF in a folder of its own.
pub(crate) struct Printed {
    folder: tempfile::TempDir,
}

impl Printed {
    pub(crate) fn new(paper: &Paper) -> Self {
        Self::of(&paper.pdf)
    }

    pub(crate) fn of(pdf: &[u8]) -> Self {
        let printed = Self { folder: tempfile::tempdir().expect("folder") };
        std::fs::write(printed.path("paper.pdf"), pdf).expect("written");
        printed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a program of poppler-utils says of it; what it writes goes to `out`.
    fn read_by(&self, program: &str, args: &[&str], out: Option<&str>) -> String {
        let mut command = Program::new(program);
        command.args(args).arg(self.path("paper.pdf")).args(out.map(|name| self.path(name)));
        let output =
            command.output().expect("poppler-utils is missing: run tools/test once, which installs it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A line for each font.
    pub(crate) fn fonts(&self) -> Vec<String> {
        self.read_by("pdffonts", &[], None).lines().skip(2).map(str::to_owned).collect()
    }

    pub(crate) fn size(&self) -> String {
        let said = self.read_by("pdfinfo", &[], None);
        said.lines().find(|line| line.starts_with("Page size")).unwrap_or_default().to_owned()
    }

    /// Its text, without what separates words: a column may break a line anywhere.
    pub(crate) fn text(&self) -> String {
        self.read_by("pdftotext", &["-raw"], Some("out"));
        let text = std::fs::read_to_string(self.path("out")).expect("text");
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    /// What a telephone reads in a picture of its first page.
    pub(crate) fn code(&self) -> String {
        self.read_by("pdftoppm", &["-gray", "-r", "144", "-singlefile"], Some("out"));
        let bytes = std::fs::read(self.path("out.pgm")).expect("picture");
        let mut words = bytes.split(u8::is_ascii_whitespace);
        let mut number = || std::str::from_utf8(words.next()?).ok()?.parse::<usize>().ok();
        // The first word is the name of the format.
        assert!(number().is_none());
        let (width, height) = (number().expect("width"), number().expect("height"));
        let dots = &bytes[bytes.len() - width * height..];
        let mut picture =
            rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| dots[y * width + x]);
        let codes = picture.detect_grids();
        assert_eq!(codes.len(), 1, "one code and no other");
        codes[0].decode().expect("a code").1
    }

    /// Leaves a picture for whoever wants to look at it, in the folder that `ADIT_PICTURES` names.
    pub(crate) fn keep(&self, name: &str) {
        let Ok(folder) = std::env::var("ADIT_PICTURES") else { return };
        let pdf = self.path("paper.pdf");
        let picture = Program::new("pdftoppm")
            .args(["-png", "-r", "60", "-singlefile"])
            .arg(pdf)
            .arg(Path::new(&folder).join(name))
            .status();
        assert!(picture.expect("poppler-utils").success());
    }
}

pub(crate) fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// What somebody may have typed.
const TYPED: &str = "#panic() *两个安全出口* 间距不足 30 m\n= 其中一个堵塞 $x$ @a <b>";

fn proof(server: &Server) -> Proof {
    let ledger = server.app.office.ledger();
    Proof {
        address: "https://jubao.xiuyan.example".parse().expect("address"),
        origin: ledger.origin().to_owned(),
        position: Position(1234),
        leaf: [0x3f; 32],
        log_key: ledger.log_key().vkey(),
    }
}

fn checked(server: &Server, paper: &Paper, name: &str) -> String {
    assert!(paper.missing.is_empty(), "{:?}", paper.missing);
    let printed = Printed::new(paper);
    let fonts = printed.fonts();
    assert!(!fonts.is_empty() && fonts.iter().all(|font| font.contains("yes yes yes")), "{fonts:?}");
    assert!(printed.size().contains("(A4)"), "{}", printed.size());
    printed.keep(name);
    let text = printed.text();
    let key = server.app.office.ledger().log_key().vkey().fingerprint();
    for says in [&squeezed(TYPED), &"3f".repeat(32), &key, "1234"] {
        assert!(text.contains(says), "{says}: {text}");
    }
    text
}

#[test]
fn a_certificate_says_what_was_reported_and_leads_to_its_receipt() {
    let server = Server::start();
    let shows = Certificate {
        enterprise: "示例一矿 #import \"x\"".to_owned(),
        hazard: "hazard/3k9f2m7q8r1t5v6w0x4yzabcde".to_owned(),
        place: "二号竖井 -120 m 中段".to_owned(),
        description: TYPED.to_owned(),
        criterion: Some("NCM88-3".to_owned()),
        found_on: "2024-05-08".parse().expect("day"),
        reported_on: "2024-05-10".parse().expect("day"),
        state: "整改中".to_owned(),
        proof: proof(&server),
    };
    for (lang, name, title) in [
        (Lang::Zh, "certificate-zh", "重大事故隐患自查上报证明"),
        (Lang::En, "certificate-en", "Certificateofaself-report"),
    ] {
        let made = certificate(&shows, lang).expect("a certificate");
        assert_eq!(made.pages, 1);
        let text = checked(&server, &made, name);
        for says in [title, "示例一矿#import\"x\"", "2024-05-08", "2024-05-10", "NCM88-3"] {
            assert!(text.contains(says), "{says}: {text}");
        }
        let code = Printed::new(&made).code();
        assert_eq!(code, "https://jubao.xiuyan.example/log/receipt/1234.tlog-proof");
    }
}

#[test]
fn a_record_runs_over_pages_and_says_so_where_nothing_was_found() {
    let server = Server::start();
    let finding = Finding {
        description: TYPED.to_owned(),
        place: "三号口".to_owned(),
        criterion: None,
        due: Some("2024-06-10".to_owned()),
    };
    let file = Attached { name: "三号口.jpg".to_owned(), finding: Some(2), sha256: "5a".repeat(32) };
    let signer = |name: &str| Signer { name: name.to_owned(), post: "执法人员".to_owned() };
    let mut shows = InspectionRecord {
        enterprise: "示例一矿".to_owned(),
        inspection: "inspection/3k9f2m7q8r1t5v6w0x4yzabcde".to_owned(),
        on: "2024-05-10".parse().expect("day"),
        scope: "安全出口、通风、提升".to_owned(),
        findings: vec![finding; 30],
        files: vec![file],
        signers: vec![signer("王某"), signer("李某")],
        proof: proof(&server),
    };
    let made = inspection_record(&shows, Lang::Zh).expect("a record");
    assert!(made.pages > 1, "{} pages", made.pages);
    let text = checked(&server, &made, "inspection-record-zh");
    assert_eq!(text.matches(&squeezed(TYPED)).count(), 30);
    assert!(text.contains("三号口.jpg") && text.contains(&"5a".repeat(32)), "{text}");
    assert!(text.contains("王某") && text.contains("李某") && text.contains("一般隐患"), "{text}");

    shows.findings.clear();
    shows.files.clear();
    let text = Printed::new(&inspection_record(&shows, Lang::En).expect("a record")).text();
    assert!(text.contains("Nothingwasfound"), "{text}");
}
