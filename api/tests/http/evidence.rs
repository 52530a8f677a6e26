//! Files that prove something: sealed as they arrive, judged when they are named, seen by whoever may read what names them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use std::fmt::Write as _;
use std::io::Cursor;

use adit_api::Options;
use adit_api::timekeeper::Timekeeper;
use adit_core::ledger::verify::{VerifyFault, files as verify_files};
use adit_core::role::Role;
use adit_core::units::Position;
use image::{ImageFormat, RgbImage};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::{PASSWORD, Reply, Server, id, limits, stands_readable};

/// What a telephone writes into a photograph, and nobody may find on the disk.
const CANARY: &str = "GPS 40.29N 123.28E canary-5d1f";

/// A photograph as a telephone takes it, with the place in it.
pub(crate) fn photograph(shade: u8) -> Vec<u8> {
    let picture = RgbImage::from_fn(640, 480, |x, y| {
        let [red, green] = [x, y].map(|at| u8::try_from(at % 256).unwrap());
        image::Rgb([red, green, shade])
    });
    let mut taken = Cursor::new(Vec::new());
    picture.write_to(&mut taken, ImageFormat::Jpeg).unwrap();
    let taken = taken.into_inner();
    let length = u16::try_from(CANARY.len() + 2).unwrap().to_be_bytes();
    [&taken[..2], &[0xff, 0xfe], &length, CANARY.as_bytes(), &taken[2..]].concat()
}

const PAPER: &[u8] = b"%PDF-1.7 receipt for a fan, canary-5d1f";

/// Uploads a file; what a command says of it.
fn sent(server: &Server, token: &str, name: &str, content: &[u8]) -> Value {
    let reply = put(server, Some(token), content).expect(200);
    let mut file = reply.as_object().unwrap().clone();
    file.insert("name".to_owned(), json!(name));
    Value::Object(file)
}

fn put(server: &Server, token: Option<&str>, content: &[u8]) -> Reply {
    let bearer = format!("Bearer {}", token.unwrap_or_default());
    let headers: &[(&str, &str)] = if token.is_some() { &[("authorization", &bearer)] } else { &[] };
    server.send("PUT", "/api/v1/files", headers, Some(content))
}

/// A hazard that an enterprise reports itself, with a photograph.
fn reported(server: &Server, enterprise: usize) -> (String, Value) {
    let token = server.sign_in(&format!("enterprise-{}", enterprise + 1));
    let file = sent(server, &token, "井口.jpg", &photograph(90));
    let mut data = crate::common::self_report(&server.enterprises[enterprise]);
    data["files"] = json!([file]);
    let answer = server.command(&token, None, "hazard.report", &data).expect(200);
    (answer["stream"].as_str().unwrap().to_owned(), file)
}

/// An inspection of the first enterprise with a photograph of its finding: the inspection, the hazard, the file.
fn inspected(server: &Server) -> (String, String, Value) {
    let (one, two) = (server.sign_in("inspector-1"), server.sign_in("inspector-2"));
    let both = |stream: Option<&str>, kind: &str, data: Value| {
        let body = json!({ "id": id(), "stream": stream, "type": kind, "data": data, "co_signer": server.actor("inspector-2") });
        let waits = server.post("/api/v1/commands", Some(&one), &body).expect(202);
        let pending = waits["pending"].as_str().unwrap().to_owned();
        server.post(&format!("/api/v1/pending/{pending}/sign"), Some(&two), &json!({})).expect(200)
    };
    let perform =
        json!({ "enterprise": server.enterprises[0], "day": "2024-05-10", "checked": "井下通风系统" });
    let inspection = both(None, "inspection.perform", perform)["stream"].as_str().unwrap().to_owned();
    let file = sent(server, &one, "三号巷道.jpg", &photograph(10));
    let finding =
        json!({ "place": "三号巷道", "description": "顶板离层", "found_on": "2024-05-10", "files": [file] });
    let answer = both(Some(&inspection), "inspection.record_finding", finding);
    let hazard = answer["entries"][1]["stream"].as_str().unwrap().to_owned();
    (inspection, hazard, file)
}

fn address(stream: &str, file: &Value) -> String {
    format!("/api/v1/streams/{stream}/files/{}", file["blob"].as_str().unwrap())
}

#[test]
fn given_files_of_a_hazard_and_of_an_inspection_then_each_role_sees_what_it_may_read_and_no_more() {
    let server = Server::start();
    let (own, photo) = reported(&server, 0);
    let (inspection, opened, found) = inspected(&server);
    let nobodys = format!("hazard/{}", id());
    let questions = [
        ("the enterprise's own photograph", address(&own, &photo)),
        ("the photograph of a finding", address(&inspection, &found)),
        ("the same below the hazard that it opened", address(&opened, &found)),
        ("a hash that the stream does not name", address(&own, &found)),
        ("a stream that is not there", address(&nobodys, &photo)),
    ];
    let mut people: Vec<String> = Role::ALL.iter().map(|role| format!("{role}-1")).collect();
    people.push("enterprise-2".to_owned());
    let mut table = String::new();
    for (what, path) in &questions {
        let _ = writeln!(table, "{what}");
        let mut answers = vec![("nobody".to_owned(), server.get(path, None).status)];
        for who in &people {
            let token = server.sign_in_by_key(who);
            answers.push((who.clone(), server.get(path, Some(&token)).status));
        }
        for (who, status) in answers {
            let _ = writeln!(table, "    {status} {who}");
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn given_a_photograph_then_the_original_keeps_what_it_proves_and_the_small_picture_tells_nothing() {
    let server = Server::start();
    let (hazard, file) = reported(&server, 0);
    assert_eq!(stands_readable(server.folder(), &[CANARY]), None, "a photograph lies readable on the disk");
    let token = server.sign_in_by_key("handler-1");
    let whole = server.get(&address(&hazard, &file), Some(&token));
    assert_eq!((whole.status, whole.bytes.as_slice()), (200, photograph(90).as_slice()));
    let digest: String = Sha256::digest(&whole.bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    assert_eq!(file["sha256"], json!(digest), "what the body names is what whoever holds the file computes");
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(whole.headers[name], value, "{name}");
    }
    assert_eq!(whole.headers["content-disposition"], format!("inline; filename=\"{}.jpg\"", &digest[..16]));
    let small = server.get(&format!("{}?view=small", address(&hazard, &file)), Some(&token));
    assert_eq!((small.status, small.headers["content-type"].as_str()), (200, "image/jpeg"));
    assert!(small.bytes.len() < 40_000 && !small.bytes.windows(4).any(|four| four == b"GPS "));
    assert_eq!(server.get(&format!("{}?view=large", address(&hazard, &file)), Some(&token)).status, 400);
}

#[test]
fn given_a_document_then_it_is_saved_and_never_shown() {
    let server = Server::start();
    let token = server.sign_in("enterprise-1");
    for (name, content, ending) in
        [("收据.pdf", PAPER, "pdf"), ("page.jpg", b"<html><script>alert(1)</script>", "html")]
    {
        let file = sent(&server, &token, name, content);
        let mut data = crate::common::self_report(&server.enterprises[0]);
        data["files"] = json!([file]);
        let hazard = server.command(&token, None, "hazard.report", &data).expect(200);
        let path = address(hazard["stream"].as_str().unwrap(), &file);
        let reply = server.get(&path, Some(&token));
        assert_eq!((reply.status, reply.bytes.as_slice()), (200, content));
        assert_eq!(reply.headers["content-type"], "application/octet-stream");
        let disposition = &reply.headers["content-disposition"];
        assert!(disposition.starts_with("attachment;"), "{disposition}");
        assert!(disposition.ends_with(&format!(".{ending}\"")), "{disposition}");
        server.get(&format!("{path}?view=small"), Some(&token)).refused(422, "api.no_small_picture");
    }
    assert_eq!(stands_readable(server.folder(), &["canary-5d1f"]), None);
}

#[test]
fn given_what_is_said_of_a_file_is_not_so_then_nothing_is_written() {
    let server = Server::start();
    let (_, before) = reported(&server, 0);
    let token = server.sign_in("enterprise-1");
    let file = sent(&server, &token, "井口.jpg", &photograph(1));
    let changed = |name: &str, value: Value| {
        let mut file = file.clone();
        file[name] = value;
        json!([file])
    };
    let sealed = adit_core::seal::seal(
        b"somebody else's",
        [adit_core::seal::Identity::from_bytes(&[3; 32]).recipient().as_str()],
        adit_core::seal::Kind::File,
    );
    let theirs = server.app.office.ledger().blobs().unwrap().put(&sealed.unwrap()).unwrap();
    let size = server.size();
    for (files, code) in [
        (changed("blob", json!("ab".repeat(32))), "api.file_missing"),
        (changed("blob", json!("../../data.key")), "api.file_missing"),
        (changed("blob", json!(theirs)), "api.file_missing"),
        (changed("kind", json!("image/png")), "api.file_otherwise"),
        (changed("bytes", json!(3)), "api.file_otherwise"),
        (changed("sha256", json!("ab".repeat(32))), "api.file_otherwise"),
        (json!([before]), "api.file_named_before"),
        (json!([file, file]), "api.file_named_before"),
    ] {
        let mut data = crate::common::self_report(&server.enterprises[0]);
        data["files"] = files;
        server.command(&token, None, "hazard.report", &data).refused(422, code);
        assert_eq!(server.size(), size);
    }
}

#[test]
fn given_an_enterprise_that_learns_the_hash_of_another_file_then_naming_it_shows_it_nothing() {
    let server = Server::start();
    let (_, hazard, found) = inspected(&server);
    let (_, others) = reported(&server, 1);
    let token = server.sign_in("enterprise-1");
    for file in [found, others] {
        let mut data = crate::common::self_report(&server.enterprises[0]);
        data["files"] = json!([file]);
        server.command(&token, None, "hazard.report", &data).refused(422, "api.file_named_before");
        server.get(&address(&hazard, &file), Some(&token)).refused(404, "api.not_found");
    }
}

#[test]
fn given_too_large_or_too_many_then_it_is_said_which() {
    let small = [
        ("room_for_files_mib", 2),
        ("room_for_words_mib", 1),
        ("evidence_file_mib", 1),
        ("evidence_files", 2),
        ("evidence_total_mib", 1),
    ];
    let server = Server::start_with(Options { limits: Some(limits(&small)), ..Options::default() });
    let token = server.sign_in("enterprise-1");
    let over = vec![7; 1024 * 1024 + 1];
    put(&server, Some(&token), &over).refused(413, "api.file_too_large");
    put(&server, Some(&token), b"").refused(422, "api.empty_file");
    let half = vec![7; 600 * 1024];
    let two: Vec<Value> = (0..2).map(|_| sent(&server, &token, "a.bin", &half)).collect();
    let three: Vec<Value> = (0..3).map(|_| sent(&server, &token, "a.bin", b"little")).collect();
    for files in [two, three] {
        let mut data = crate::common::self_report(&server.enterprises[0]);
        data["files"] = json!(files);
        server.command(&token, None, "hazard.report", &data).refused(422, "api.too_many_files");
    }
    let blobs = server.folder().join("data/blobs/incoming");
    assert_eq!(std::fs::read_dir(blobs).unwrap().count(), 0, "what was given up leaves something");
    put(&server, None, b"x").refused(401, "api.not_signed_in");
    for who in ["finance-1", "auditor-1", "admin-1", "leader-1", "investigator-1"] {
        put(&server, Some(&server.sign_in_by_key(who)), b"x").refused(403, "api.forbidden");
    }
}

/// A form with files, as a browser without scripts sends it.
pub(crate) fn form(
    server: &Server,
    token: &str,
    path: &str,
    fields: &[(&str, &str)],
    files: &[(&str, &[u8])],
) -> Reply {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.bytes());
    }
    for (name, content) in files {
        let head = format!(
            "--x\r\ncontent-disposition: form-data; name=\"files\"; filename=\"{name}\"\r\ncontent-type: image/jpeg\r\n\r\n"
        );
        body.extend(head.bytes().chain(content.iter().copied()).chain(*b"\r\n"));
    }
    body.extend(*b"--x--\r\n");
    let bearer = format!("Bearer {token}");
    let headers = [("content-type", "multipart/form-data; boundary=x"), ("authorization", bearer.as_str())];
    server.send_once("POST", path, &headers, Some(&body))
}

fn kept(page: &str) -> Vec<String> {
    let boxes = page.split("name=\"files_kept\" value=\"").skip(1);
    boxes.map(|rest| rest.split('"').next().unwrap().replace("&#34;", "\"").replace("&#38;", "&")).collect()
}

#[test]
fn given_a_form_that_does_not_fit_then_it_keeps_what_was_typed_and_the_files_that_came() {
    let server = Server::start();
    let token = server.sign_in("enterprise-1");
    let shown = server.get("/desk/do/hazard.report", Some(&token));
    for part in ["enctype=\"multipart/form-data\"", "capture=\"environment\"", "multiple", "accept=\"image/*"]
    {
        assert!(shown.text.contains(part), "{part}: {}", shown.text);
    }
    assert!(!shown.text.contains("举报"), "an enterprise learns of reports: {}", shown.text);
    let (command, enterprise) = (id(), server.enterprises[0].to_string());
    let fields = |description: &'static str| {
        vec![
            ("_id", command.as_str()),
            ("_stream", ""),
            ("enterprise", enterprise.as_str()),
            ("origin", "self_inspection"),
            ("place", "主井口"),
            ("description", description),
            ("found_on", "2024-05-09"),
        ]
    };
    let size = server.size();
    let photo = photograph(3);
    let refused =
        form(&server, &token, "/desk/do/hazard.report", &fields(""), &[("井口.jpg", &photo), ("", b"")]);
    assert_eq!((refused.status, server.size()), (422, size), "{}", refused.text);
    assert!(
        refused.text.contains("value=\"主井口\"") && refused.text.contains("井口.jpg"),
        "{}",
        refused.text
    );
    let before = kept(&refused.text);
    assert_eq!(before.len(), 1);
    let mut whole = fields("通风机停转");
    whole.push(("files_kept", &before[0]));
    let done = form(&server, &token, "/desk/do/hazard.report", &whole, &[("receipt.pdf", PAPER)]);
    assert_eq!((done.status, server.size()), (303, size + 1), "{}", done.text);
    let again = form(&server, &token, "/desk/do/hazard.report", &whole, &[("receipt.pdf", PAPER)]);
    assert_eq!((again.status, server.size()), (303, size + 1), "a double tap is one entry: {}", again.text);
    assert_eq!(done.headers["location"], again.headers["location"]);
    let place = done.headers["location"].split('?').next().unwrap();
    let page = server.get(place, Some(&token));
    assert_eq!(page.text.matches("?view=small").count(), 1, "{}", page.text);
    assert!(page.text.contains("receipt.pdf") && page.text.contains("SHA-256"), "{}", page.text);
}

#[test]
fn given_a_file_that_is_too_large_among_others_then_the_others_stay_and_the_form_says_so() {
    let small = [("room_for_files_mib", 2), ("room_for_words_mib", 1), ("evidence_file_mib", 1)];
    let server = Server::start_with(Options { limits: Some(limits(&small)), ..Options::default() });
    let token = server.sign_in("enterprise-1");
    let (command, enterprise) = (id(), server.enterprises[0].to_string());
    let fields = [
        ("_id", command.as_str()),
        ("_stream", ""),
        ("enterprise", enterprise.as_str()),
        ("origin", "self_inspection"),
        ("place", "主井口"),
        ("description", "通风机停转"),
        ("found_on", "2024-05-09"),
    ];
    let (size, over, photo) = (server.size(), vec![7; 1024 * 1024 + 1], photograph(3));
    let files: [(&str, &[u8]); 2] = [("film.mp4", &over), ("井口.jpg", &photo)];
    let refused = form(&server, &token, "/desk/do/hazard.report", &fields, &files);
    assert_eq!((refused.status, server.size()), (422, size), "{}", refused.text);
    assert!(refused.text.contains("files-fault") && refused.text.contains("1 MiB"), "{}", refused.text);
    assert_eq!(kept(&refused.text).len(), 1, "{}", refused.text);
    // A form whose command takes no files reads none.
    let little: [(&str, &[u8]); 1] = [("井口.jpg", b"little")];
    let plain = form(&server, &token, "/desk/do/hazard.acknowledge", &[("_id", &command)], &little);
    assert_eq!(plain.status, 400);
}

#[test]
fn given_a_command_that_waits_then_its_two_officers_see_its_files_and_nobody_else_does() {
    let server = Server::start();
    let (one, two) = (server.sign_in("inspector-1"), server.sign_in("inspector-2"));
    let (command, second) = (id(), server.actor("inspector-2"));
    let fields = [
        ("_id", command.as_str()),
        ("_stream", ""),
        ("_second", second.as_str()),
        ("_password", ""),
        ("enterprise", "示例一矿"),
        ("day", "2024-05-10"),
        ("checked", "井下"),
    ];
    let photo = photograph(5);
    for _ in 0..2 {
        let reply = form(&server, &one, "/desk/do/inspection.perform", &fields, &[("入井.jpg", &photo)]);
        assert_eq!(
            (reply.status, reply.headers["location"].as_str()),
            (303, "/desk/waiting"),
            "{}",
            reply.text
        );
    }
    let waits = server.get("/desk/waiting", Some(&two));
    let places: Vec<&str> =
        waits.text.split("<img src=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(places.len(), 1, "a double tap waits once: {}", waits.text);
    for (who, status) in [(&one, 200), (&two, 200), (&server.sign_in_by_key("approver-1"), 404)] {
        assert_eq!(server.get(places[0], Some(who)).status, status);
    }
    let action = waits.text.split("action=\"/desk/waiting/").nth(1).unwrap().split('"').next().unwrap();
    let signed = form(&server, &two, &format!("/desk/waiting/{action}"), &[], &[]);
    assert_eq!(signed.status, 303, "{}", signed.text);
    let page = server.get(signed.headers["location"].split('?').next().unwrap(), Some(&one));
    assert!(page.text.contains("入井.jpg"), "{}", page.text);
}

#[test]
fn given_a_finding_with_a_photograph_then_officers_see_it_on_the_hazard_and_the_enterprise_does_not() {
    let server = Server::start();
    let (_, hazard, file) = inspected(&server);
    let blob = file["blob"].as_str().unwrap();
    for (who, sees) in [("handler-1", true), ("inspector-1", true), ("enterprise-1", false)] {
        let page = server.get(&format!("/desk/streams/{hazard}"), Some(&server.sign_in_by_key(who)));
        assert_eq!(page.status, 200, "{who}");
        assert_eq!(page.text.contains(blob), sees, "{who}");
    }
}

#[test]
fn given_evidence_of_the_five_then_the_matrix_shows_it_with_its_element() {
    let server = Server::start();
    let (hazard, _) = reported(&server, 0);
    let major = json!({ "criterion": "NCM88-一(地下矿山)-四", "because": "现场核实" });
    server.execute(Some(&hazard), "hazard.verify", &major, &["inspector-1", "inspector-2"]);
    let token = server.sign_in("enterprise-1");
    let said = json!({ "element": "funds", "text": "三十万元" });
    server.command(&token, Some(&hazard), "hazard.commit", &said).expect(200);
    for name in ["转账凭证.pdf", "发票.pdf"] {
        let file = sent(&server, &token, name, PAPER);
        let said = json!({ "element": "funds", "text": "见附件", "files": [file] });
        server.command(&token, Some(&hazard), "hazard.evidence", &said).expect(200);
    }
    let page = server.get(&format!("/desk/streams/{hazard}"), Some(&server.sign_in_by_key("inspector-1")));
    let matrix = page.text.split("class=\"five\"").nth(1).unwrap().split("</table>").next().unwrap();
    assert!(matrix.contains("转账凭证.pdf") && matrix.contains("发票.pdf"), "{matrix}");
}

#[test]
fn given_files_that_nobody_names_then_they_are_cleared_away_and_the_named_ones_never() {
    let server = Server::start();
    let (_, named) = reported(&server, 0);
    let token = server.sign_in("enterprise-1");
    let junk = sent(&server, &token, "a.jpg", &photograph(9));
    let has = |file: &Value| {
        let blobs = server.app.office.ledger().blobs().unwrap().clone();
        blobs.has(file["blob"].as_str().unwrap()).unwrap()
    };
    let last = Position(server.size() - 1);
    assert!(server.runtime().block_on(server.app.projector.wait_for(last)));
    // Files carry the machine's clock, which is ahead of the ledger's in tests.
    server.clock.advance_seconds(100_000 * 86_400);
    assert_eq!(Timekeeper::default().clear(&server.app), 1);
    assert!(!has(&junk) && has(&named));
}

#[test]
fn given_a_file_that_was_changed_or_is_gone_then_the_check_of_the_ledger_names_it_and_it_is_not_given() {
    let server = Server::start();
    let (hazard, file) = reported(&server, 0);
    let ledger = server.app.office.ledger();
    assert_eq!(verify_files(ledger).unwrap().whole, 1);
    let blob = file["blob"].as_str().unwrap();
    let path = server.folder().join("data/blobs").join(&blob[..2]).join(blob);
    let token = server.sign_in_by_key("handler-1");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    server.get(&address(&hazard, &file), Some(&token)).refused(500, "api.unreadable");
    let fault = verify_files(ledger).unwrap_err();
    assert!(matches!(&fault, VerifyFault::File { file, .. } if file == blob), "{fault}");
    std::fs::remove_file(&path).unwrap();
    server.get(&address(&hazard, &file), Some(&token)).refused(410, "api.blob_erased");
    let fault = verify_files(ledger).unwrap_err();
    assert!(fault.to_string().contains(blob) && fault.place().2 == Some(server.size() - 1), "{fault}");
}

#[cfg(feature = "pdf")]
mod given_papers_of_an_inspection {
    use super::*;

    #[test]
    fn when_its_entries_are_published_then_the_record_names_findings_files_and_who_signed() {
        let server = Server::start();
        let (inspection, _, file) = inspected(&server);
        let path = inspection.replace("inspection/", "/desk/records/");
        let token = server.sign_in_by_key("inspector-1");
        assert_eq!(server.get(&path, Some(&token)).status, 409, "nobody could check it");
        server.app.office.ledger().publish_now();
        let page = server.get(&format!("/desk/streams/{inspection}"), Some(&token));
        assert!(page.text.contains(&path), "{}", page.text);
        let record = server.get(&path, Some(&token));
        assert_eq!((record.status, record.headers["content-type"].as_str()), (200, "application/pdf"));
        let printed = crate::paper::Printed::of(&record.bytes);
        printed.keep("record-of-an-inspection");
        let text = printed.text();
        for says in ["现场检查记录", "示例一矿", "顶板离层", "三号巷道.jpg", "inspector-1", "inspector-2"]
        {
            assert!(text.contains(says), "{says}: {text}");
        }
        assert!(text.contains(file["sha256"].as_str().unwrap()), "{text}");
        assert!(printed.code().ends_with(".tlog-proof"));
        for (who, status) in [("enterprise-1", 403), ("auditor-1", 403), ("leader-1", 200)] {
            assert_eq!(server.get(&path, Some(&server.sign_in_by_key(who))).status, status, "{who}");
        }
    }

    #[test]
    fn when_a_hazard_is_served_then_its_notice_says_what_was_served_to_whom() {
        let server = Server::start();
        let (hazard, _) = reported(&server, 0);
        let path = hazard.replace("hazard/", "/desk/notices/");
        let token = server.sign_in_by_key("enterprise-1");
        assert_eq!(server.get(&path, Some(&token)).status, 404, "nothing was served");
        let major = json!({ "criterion": "NCM88-一(地下矿山)-四", "because": "现场核实" });
        server.execute(Some(&hazard), "hazard.verify", &major, &["inspector-1", "inspector-2"]);
        let assign = json!({ "responsible_post": "通风区长", "due": "2024-05-20" });
        server.execute(Some(&hazard), "hazard.assign", &assign, &["handler-1"]);
        let whom = json!({ "principal": true, "controller": false });
        server.execute(Some(&hazard), "hazard.serve", &whom, &["handler-1"]);
        assert_eq!(server.get(&path, Some(&token)).status, 409);
        server.app.office.ledger().publish_now();
        let notice = server.get(&path, Some(&token));
        assert_eq!(notice.status, 200, "{}", notice.text);
        let printed = crate::paper::Printed::of(&notice.bytes);
        printed.keep("notice-of-a-hazard");
        let text = printed.text();
        for says in
            ["整改通知书", "示例一矿", "通风机停转", "2024-05-20", "通风区长", "主要负责人", "handler-1"]
        {
            assert!(text.contains(says), "{says}: {text}");
        }
        assert!(!text.contains("实际控制人"), "{text}");
        let other = server.sign_in_by_key("enterprise-2");
        assert_eq!(server.get(&path, Some(&other)).status, 403);
    }
}

#[test]
fn given_a_password_of_the_second_beside_files_then_it_never_comes_back() {
    let server = Server::start();
    let (hazard, _) = reported(&server, 0);
    let token = server.sign_in("inspector-1");
    server.sign_in("inspector-2");
    let (command, second) = (id(), server.actor("inspector-2"));
    let fields = [
        ("_id", command.as_str()),
        ("_stream", hazard.as_str()),
        ("_second", second.as_str()),
        ("_password", PASSWORD),
        ("passed", "true"),
        ("findings", "现场试验"),
    ];
    let photo = photograph(7);
    let refused = form(&server, &token, "/desk/do/hazard.review", &fields, &[("复核.jpg", &photo)]);
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("现场试验") && !refused.text.contains(PASSWORD), "{}", refused.text);
    assert_eq!(kept(&refused.text).len(), 1);
}
