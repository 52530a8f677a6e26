//! A flood of junk, guesses and files: what is over a limit waits, nothing is refused or lost, and whoever waited goes ahead.
#![allow(clippy::panic, reason = "a test reports by panicking")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use adit_api::Options;
use adit_core::ledger::disk::FaultyDisk;
use adit_core::secret::{Script, Secret};

use crate::common::{Reply, Server, limits};
use crate::pickups::telephone;
use crate::reporter::{Fields, fields, hidden, my, reported, send, simple, stream_of, value};
use crate::sealed::{signed_report, with_intake};

const MIB: u64 = 1024 * 1024;

fn with(changed: &[(&str, u64)]) -> Server {
    let small = [("room_for_files_mib", 2), ("room_for_words_mib", 1), ("answer_grid_milliseconds", 5)];
    let limits = limits(&[&small, changed].concat());
    Server::start_with(Options { limits: Some(limits), ..Options::default() })
}

fn fresh_secret() -> String {
    Secret::generate().unwrap().text(Script::Chinese).to_string()
}

/// Junk as a program sends it: no form was ever asked for.
fn junk(server: &Server) -> Reply {
    let secret = fresh_secret();
    let typed = [("step", "send"), ("secret", secret.as_str()), ("words", "垃圾垃圾垃圾")];
    send(server, "/report?lang=zh", &fields(&typed), &[])
}

/// The form as the server hands it out.
fn form(server: &Server) -> Fields {
    hidden(&server.get("/report?lang=zh", None).text, "look")
}

#[test]
fn given_more_than_thirty_reports_of_an_hour_from_one_address_then_each_is_entered() {
    let server = Server::start();
    let before = server.size();
    for nth in 1..=35 {
        let reply = junk(&server);
        assert_eq!(reply.status, 200, "report {nth}: {}", reply.text);
    }
    assert_eq!(server.size(), before + 35);
}

#[test]
fn given_a_flood_of_junk_then_real_reports_are_answered_meanwhile_and_none_is_refused_or_lost() {
    const REAL: usize = 10;
    let server = with(&[("sealing_at_once", 2)]);
    let forms: Vec<Fields> = (0..REAL).map(|_| form(&server)).collect();
    // People write for a while.
    server.clock.advance_seconds(120);
    let before = server.size();
    let (over, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (begun, flooded) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..24 {
            let (over, sent, server, begun) = (&over, &sent, &server, begun.clone());
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(junk(server).status, 200);
                    sent.fetch_add(1, Ordering::Relaxed);
                    let _ = begun.send(());
                }
            });
        }
        for _ in 0..24 {
            flooded.recv().unwrap();
        }
        let mut ahead = Vec::new();
        for mut form in forms {
            form.push(("words".to_owned(), "井下瓦斯超限，还在生产".to_owned()));
            let look = send(&server, "/report?lang=zh", &form, &[]);
            let form = hidden(&look.text, "send");
            let entered_before = server.size();
            let receipt = send(&server, "/report?lang=zh", &form, &[]);
            assert_eq!(receipt.status, 200, "{}", receipt.text);
            let facts =
                server.app.office.ledger().stream(&stream_of(&server, value(&form, "secret"))).unwrap();
            ahead.push(facts[0].position.0 - entered_before);
            assert_eq!(my(&server, value(&form, "secret"), "", &[]).status, 200);
        }
        over.store(true, Ordering::Relaxed);
        // Two turns that run, one that goes to those behind, and now and then what is entered while this thread waits for a processor. Without
        // ranks it would be all who were there before.
        ahead.sort_unstable();
        assert!(ahead[REAL / 2] < 16, "{ahead:?} went ahead of somebody who had waited");
    });
    let entered = usize::try_from(server.size() - before).unwrap();
    assert_eq!(entered, sent.load(Ordering::Relaxed) + REAL);
}

/// What `GET /api/v1/work` gives, and the first number that fits it, as a client finds it.
fn work(server: &Server) -> String {
    let given = server.get("/api/v1/work", None).expect(200);
    let bits = u32::try_from(given["bits"].as_u64().unwrap()).unwrap();
    let stamp = given["stamp"].as_str().unwrap();
    let begins = |text: &String| {
        let hash = blake3::hash(text.as_bytes());
        u64::from_be_bytes(hash.as_bytes()[..8].try_into().unwrap()).leading_zeros() >= bits
    };
    (0..u64::MAX).map(|number| format!("{stamp}.{number}")).find(begins).unwrap()
}

#[test]
fn given_a_flood_of_those_who_seal_by_themselves_then_whoever_shows_work_goes_ahead_and_all_are_entered() {
    const JUNK: usize = 120;
    let server = with_intake(with(&[("entering_at_once", 1), ("work_bits", 8)]));
    let junk: Vec<_> = (0..JUNK).map(|_| signed_report(&server).to_string()).collect();
    let (real, worked) = (signed_report(&server).to_string(), work(&server));
    let append = |body: &str, shown: &[(&str, &str)]| {
        let headers = [&[("content-type", "application/json")], shown].concat();
        server.send("POST", "/api/v1/append", &headers, Some(body.as_bytes())).expect(200)
    };
    let (first, entered) = mpsc::channel();
    let before = server.size();
    std::thread::scope(|scope| {
        for body in &junk {
            let (append, first) = (&append, first.clone());
            scope.spawn(move || {
                append(body, &[]);
                let _ = first.send(());
            });
        }
        entered.recv().unwrap();
        let position = append(&real, &[("adit-work", &worked)])["positions"][0].as_u64().unwrap();
        let ahead = position - before;
        assert!(ahead < JUNK as u64 / 2, "{ahead} without work went first");
    });
    assert_eq!(server.size(), before + JUNK as u64 + 1, "nobody is refused");
}

#[test]
fn given_somebody_who_is_sent_back_then_what_they_typed_and_their_place_are_kept() {
    let server = Server::start();
    let mut asked = form(&server);
    server.clock.advance_seconds(120);
    let stamp = value(&asked, "stamp").to_owned();
    asked.push(("words".to_owned(), "  ".to_owned()));
    let again = hidden(&send(&server, "/report?lang=zh", &asked, &[]).text, "look");
    assert_eq!(value(&again, "stamp"), stamp, "it was not counted yet");
    let (_, receipt) = reported(&server, &[("stamp", &stamp), ("words", "情况")], &[]);
    assert_eq!(receipt.status, 200);
    let mut spent = fields(&[("stamp", &stamp), ("words", "又一件")]);
    spent.push(("step".to_owned(), "look".to_owned()));
    let page = send(&server, "/report?lang=zh", &spent, &[]);
    assert_ne!(value(&hidden(&page.text, "send"), "stamp"), stamp, "a form counts once");
}

#[test]
fn given_a_disk_that_is_nearly_full_then_it_is_said_before_anybody_types_and_files_end_before_words() {
    let disk = FaultyDisk::default();
    let server = Server::start_on(&disk);
    let clerk = server.sign_in("clerk-1");
    let age = hidden(&server.get("/report?lang=zh", None).text, "look");
    disk.set_room(1024 * MIB);
    let page = server.get("/report?lang=zh", None).text;
    assert!(page.contains("只收文字") && !page.contains("type=\"file\""), "{page}");
    let large = vec![b'a'; 300 * 1024];
    server.send("PUT", "/api/v1/sealed", &[], Some(&large)).refused(507, "api.no_room");
    server.send("PUT", "/api/v1/sealed", &[], Some(&large[..4096])).refused(422, "api.not_age");
    let mut typed = age.clone();
    typed.push(("words".to_owned(), "井下瓦斯超限".to_owned()));
    let refused = send(&server, "/report?lang=zh", &typed, &[("a.jpg", b"\xff\xd8\xff")]);
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("不收照片和文件") && refused.text.contains("井下瓦斯超限"));
    let look = send(&server, "/report?lang=zh", &typed, &[]);
    let send_form = hidden(&look.text, "send");

    disk.set_room(100 * MIB);
    for lang in ["zh", "en"] {
        let page = server.get(&format!("/report?lang={lang}"), None);
        assert!(page.status == 200 && !page.text.contains("<textarea"), "{}", page.text);
        assert!(page.text.contains("存不下") || page.text.contains("nearly full"), "{}", page.text);
    }
    let before = server.size();
    let refused = send(&server, "/report?lang=zh", &send_form, &[]);
    assert_eq!(refused.status, 507);
    assert!(refused.text.contains("还没有写入") && refused.text.contains("井下瓦斯超限"));
    server.send("PUT", "/api/v1/sealed", &[], Some(&large[..4096])).refused(507, "api.no_room");
    let told = telephone(&crate::common::id());
    server.post("/api/v1/reports", Some(&clerk), &told).refused(507, "reporter.no_room");
    assert_eq!(server.size(), before);
    disk.set_room(u64::MAX);
    assert_eq!(send(&server, "/report?lang=zh", &hidden(&refused.text, "send"), &[]).status, 200);
    assert_eq!(server.size(), before + 1);
}

#[test]
fn given_a_known_secret_and_an_unknown_one_then_both_answers_wait_for_the_same_step() {
    let step = Duration::from_millis(120);
    let server = with(&[("answer_grid_milliseconds", 120)]);
    let known = simple(&server);
    let (unknown, wrong) = (fresh_secret(), "一二三".to_owned());
    for (secret, status) in [(&known, 200), (&unknown, 404), (&wrong, 422)] {
        let begun = Instant::now();
        assert_eq!(my(&server, secret, "", &[]).status, status);
        assert!(begun.elapsed() >= step, "{:?}", begun.elapsed());
    }
    // Words can be tried where a pickup code is changed for them, too.
    for (secret, status) in [(&known, 200), (&unknown, 422)] {
        let begun = Instant::now();
        let typed = [("step", "pickup"), ("number", "1"), ("code", "1"), ("new_secret", secret.as_str())];
        assert_eq!(send(&server, "/my?lang=zh", &fields(&typed), &[]).status, status);
        assert!(begun.elapsed() >= step, "{:?}", begun.elapsed());
    }
}

#[test]
fn given_many_who_guess_then_they_wait_and_the_owner_goes_ahead_of_them() {
    const GUESSES: usize = 40;
    let server = with(&[("answer_grid_milliseconds", 50), ("lookups_at_once", 1)]);
    let owner = simple(&server);
    let stamp = value(&hidden_of_key(&server), "stamp").to_owned();
    server.clock.advance_seconds(5);
    let done = AtomicUsize::new(0);
    let (first, guessed) = mpsc::channel();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..GUESSES {
            let (done, server, first) = (&done, &server, first.clone());
            scope.spawn(move || {
                assert_eq!(my(server, &fresh_secret(), "", &[]).status, 404, "nobody is locked out");
                done.fetch_add(1, Ordering::Relaxed);
                let _ = first.send(());
            });
        }
        guessed.recv().unwrap();
        let page = my(&server, &owner, "", &[("stamp", &stamp)]);
        assert_eq!(page.status, 200);
        let before_owner = done.load(Ordering::Relaxed);
        assert!(before_owner < GUESSES / 2, "{before_owner} guesses went first");
        // A good secret shown is worth as much as waiting.
        let next = hidden(&page.text, "message");
        assert_eq!(my(&server, &owner, "", &[("stamp", value(&next, "stamp"))]).status, 200);
    });
    let least = Duration::from_millis(50) * u32::try_from(GUESSES + 2).unwrap();
    assert!(begun.elapsed() >= least, "a ceiling on guesses: {:?}", begun.elapsed());
}

#[test]
fn given_no_turn_in_time_then_the_page_comes_back_with_everything_typed_and_sending_it_again_works() {
    let changed = [("answer_grid_milliseconds", 3000), ("lookups_at_once", 1), ("turn_wait_seconds", 1)];
    let server = with(&changed);
    let owner = simple(&server);
    let typed = [("secret", owner.as_str()), ("step", "message"), ("words", "又看到一次"), ("lang", "zh")];
    let mut form = hidden_of_key(&server);
    form.extend(fields(&typed));
    form.push(("id".to_owned(), crate::common::id()));
    server.clock.advance_seconds(5);
    let before = server.size();
    std::thread::scope(|scope| {
        let held: Vec<_> = (0..2).map(|_| scope.spawn(|| send(&server, "/my?lang=zh", &form, &[]))).collect();
        let mut replies: Vec<Reply> = held.into_iter().map(|held| held.join().unwrap()).collect();
        replies.sort_by_key(|reply| reply.status);
        assert_eq!((replies[0].status, replies[1].status), (200, 503));
        let again = &replies[1].text;
        assert!(again.contains("又看到一次") && again.contains("再按一次"), "{again}");
        let kept = inputs(again);
        assert_eq!(value(&kept, "secret"), owner);
        assert_eq!(send(&server, "/my?lang=zh", &kept, &[]).status, 200);
    });
    assert_eq!(server.size(), before + 1, "the same form is one message");
}

/// Every hidden field of a page.
fn inputs(page: &str) -> Fields {
    let attribute = |input: &str, name: &str| {
        let rest = input.split(&format!("{name}=\"")).nth(1).unwrap_or_default();
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let inputs = page.split("<input type=\"hidden\" ").skip(1);
    inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect()
}

fn hidden_of_key(server: &Server) -> Fields {
    let page = server.get("/my?lang=zh", None).text;
    let stamp = page.split("name=\"stamp\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    fields(&[("stamp", stamp.unwrap_or_else(|| panic!("no stamp in {page}")))])
}
