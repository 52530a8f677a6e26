//! What files tell besides, on the way that needs no scripts: taken out where it can be, said before sending where it can't, and never silently.
#![allow(clippy::panic, clippy::expect_used, reason = "a test reports by panicking")]

use std::io::{Cursor, Read as _, Write as _};

use adit_core::event::Event;
use adit_core::report::{Message, ReportEvent};
use adit_core::seal;
use adit_core::secret::officer_identity;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::common::{ORIGIN, Reply, Server, id};
use crate::reporter::{Fields, fields, hidden, send, stream_of, testimony, value};
use crate::reporter_in_browser::film_of;

const NAME: &str = "canary-张三";

fn holds(content: &[u8], wanted: &str) -> bool {
    content.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}

fn document() -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [
        ("[Content_Types].xml", "<Types><Override PartName=\"/docProps/core.xml\"/></Types>".to_owned()),
        ("docProps/core.xml", NAME.to_owned()),
        (
            "word/document.xml",
            format!("<w:document><w:ins w:author=\"{NAME}\"><w:t>井下瓦斯</w:t></w:ins></w:document>"),
        ),
    ] {
        writer.start_file(name, SimpleFileOptions::default()).expect("begun");
        writer.write_all(text.as_bytes()).expect("written");
    }
    writer.finish().expect("a zip").into_inner()
}

fn page() -> Vec<u8> {
    format!(
        "%PDF-1.4\n1 0 obj\n<< /Author ({NAME}) >>\nendobj\ntrailer\n<< /Info 1 0 R >>\nstartxref\n9\n%%EOF\n"
    )
    .into_bytes()
}

fn looked_over(server: &Server, typed: &[(&str, &str)], files: &[(&str, &[u8])]) -> Reply {
    let mut form = fields(&[("step", "look"), ("words", "情况")]);
    form.extend(fields(typed));
    let look = send(server, "/report?lang=zh", &form, files);
    assert_eq!(look.status, 200, "{}", look.text);
    look
}

/// What an intake officer finds in a sealed file.
fn content(server: &Server, blob: &str) -> Vec<u8> {
    let sealed = server.app.office.ledger().blobs().unwrap().read(blob).unwrap();
    seal::open(&sealed, &officer_identity(&server.person("clerk-1").key, ORIGIN)).unwrap().to_vec()
}

#[test]
fn given_a_film_a_document_and_a_page_when_the_server_seals_them_then_they_tell_nothing_besides() {
    let server = Server::start();
    let film = film_of(200_000);
    let files: [(&str, &[u8]); 3] = [("井口.mp4", &film), ("情况.docx", &document()), ("情况.pdf", &page())];
    let look = looked_over(&server, &[], &files);
    assert!(!look.text.contains("可能说出"), "{}", look.text);
    let form = hidden(&look.text, "send");
    assert_eq!(send(&server, "/report?lang=zh", &form, &[]).status, 200);
    let told = testimony(&server, &stream_of(&server, value(&form, "secret")), "clerk-1").expect("opened");
    let contents: Vec<Vec<u8>> = told.files.iter().map(|file| content(&server, &file.blob)).collect();
    for (note, content) in told.files.iter().zip(&contents) {
        assert!(note.cleaned && note.size == content.len() as u64, "{note:?}");
        assert!(!holds(content, NAME) && !holds(content, "canary-place"), "{}", note.name);
    }
    let middle = film.len() / 2;
    assert_eq!(contents[0][middle..middle + 1000], film[middle..middle + 1000], "not a pixel is changed");
    let mut archive = ZipArchive::new(Cursor::new(&contents[1])).expect("a zip");
    let mut text = String::new();
    archive.by_name("word/document.xml").expect("a part").read_to_string(&mut text).expect("text");
    assert!(text.contains("井下瓦斯") && !text.contains(NAME), "{text}");
    assert!(archive.by_name("docProps/core.xml").is_err());
}

#[test]
fn given_a_file_that_can_not_be_cleaned_then_it_is_said_before_sending_and_can_be_left_out() {
    let server = Server::start();
    let song = [b"ID3".as_slice(), NAME.as_bytes()].concat();
    let both: [(&str, &[u8]); 2] = [("a.mp3", &song), ("b.mp3", &song[..8])];
    let look = looked_over(&server, &[], &both);
    assert!(look.text.contains("这些文件可能说出地点、时间或姓名"), "{}", look.text);
    let drop = look.text.split("name=\"drop_file\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let mut form: Fields = hidden(&look.text, "send");
    form.retain(|(name, _)| name != "step");
    form.push(("drop_file".to_owned(), drop.expect("a button").to_owned()));
    let without = send(&server, "/report?lang=zh", &form, &[]);
    assert!(!without.text.contains("a.mp3") && without.text.contains("b.mp3"), "{}", without.text);
    let form = hidden(&without.text, "send");
    assert_eq!(send(&server, "/report?lang=zh", &form, &[]).status, 200);
    let told = testimony(&server, &stream_of(&server, value(&form, "secret")), "clerk-1").expect("opened");
    assert!(
        told.files.len() == 1 && !told.files[0].cleaned && told.files[0].kind == "audio/mpeg",
        "{told:?}"
    );

    // Whoever wants it kept is not warned of what they chose.
    let film = film_of(9000);
    let kept = looked_over(&server, &[("keep_metadata", "yes")], &[("井口.mp4", &film)]);
    assert!(!kept.text.contains("可能说出") && kept.text.contains("可能还在"), "{}", kept.text);
}

#[test]
fn given_a_report_that_is_followed_when_a_file_tells_something_then_it_goes_only_when_its_sender_says_so() {
    let server = Server::start();
    let form = hidden(&looked_over(&server, &[], &[]).text, "send");
    let secret = value(&form, "secret").to_owned();
    assert_eq!(send(&server, "/report?lang=zh", &form, &[]).status, 200);
    let before = server.size();
    let asked = |more: &[(&str, &str)], files: &[(&str, &[u8])]| {
        let mut form = fields(&[("secret", &secret), ("step", "evidence"), ("words", "又看到一次")]);
        form.push(("id".to_owned(), id()));
        form.extend(fields(more));
        send(&server, "/my?lang=zh", &form, files)
    };
    let refused = asked(&[], &[("a.mp3", b"ID3 a song")]);
    assert_eq!((refused.status, server.size()), (422, before));
    assert!(
        refused.text.contains("“a.mp3”可能还说出") && refused.text.contains("又看到一次"),
        "{}",
        refused.text
    );
    // The file is sealed already, and need not be sent once more.
    let again = hidden(&refused.text, "evidence");
    let sealed = value(&again, "file_sealed");
    assert_eq!(asked(&[("file_sealed", sealed), ("tells", "yes")], &[]).status, 200);
    assert_eq!(server.size(), before + 1);
    let facts = server.app.office.ledger().stream(&stream_of(&server, &secret)).unwrap();
    let Event::Report(ReportEvent::EvidenceAdded(added)) = &facts.last().expect("an event").event else {
        panic!("no evidence")
    };
    let message: Message = serde_json::from_slice(&content(&server, added.sealed.blob.as_str())).unwrap();
    assert_eq!((message.files[0].name.as_str(), message.files[0].cleaned), ("a.mp3", false));
    // Cleaned files go at once.
    assert_eq!(asked(&[], &[("井口.mp4", &film_of(5000))]).status, 200);
    assert_eq!(server.size(), before + 2);
}
