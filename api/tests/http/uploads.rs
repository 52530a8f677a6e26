//! Sealed files in pieces over networks that break: a small proxy cuts connections in the middle, pieces come twice, servers are restarted.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use adit_api::keystore::Keystore;
use adit_api::{App, Options};
use adit_core::ledger::clock::SetClock;
use adit_core::ledger::disk::{Disk as _, Fault, FaultyDisk};
use adit_core::ledger::home::Home;
use adit_core::ledger::log::Ledger;
use adit_core::office::Office;
use adit_core::seal::{self, Identity, Kind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::common::{Reply, Server, limits, send_to};

const UPLOADS: &str = "/api/v1/sealed/uploads";
const MIB: usize = 1024 * 1024;

/// Something sealed of so many bytes, before it is padded.
pub(crate) fn sealed(content: usize) -> Vec<u8> {
    let reader = Identity::from_bytes(&[9; 32]).recipient();
    let content: Vec<u8> = (0..content).map(|nth| nth.to_le_bytes()[0]).collect();
    seal::seal(&content, [reader.as_str()], Kind::File).unwrap()
}

fn digest(file: &[u8]) -> String {
    format!("blake3=:{}:", STANDARD.encode(blake3::hash(file).as_bytes()))
}

fn hash(file: &[u8]) -> String {
    blake3::hash(file).to_hex().to_string()
}

/// Begins an upload; where it is.
#[track_caller]
fn begun(url: &str, length: usize) -> String {
    let length = length.to_string();
    let headers = [("upload-length", length.as_str()), ("upload-complete", "?0")];
    let reply = send_to(url, "POST", UPLOADS, &headers, None);
    assert_eq!((reply.status, reply.headers["upload-offset"].as_str()), (201, "0"), "{}", reply.text);
    assert!(reply.headers["upload-limit"].starts_with("max-size=134217728, max-age="));
    reply.headers["location"].clone()
}

fn piece(url: &str, place: &str, offset: usize, bytes: &[u8], more: &[(&str, &str)]) -> Reply {
    let offset = offset.to_string();
    let mut headers =
        vec![("content-type", "application/partial-upload"), ("upload-offset", offset.as_str())];
    headers.extend_from_slice(more);
    if more.iter().all(|(name, _)| *name != "upload-complete") {
        headers.push(("upload-complete", "?0"));
    }
    send_to(url, "PATCH", place, &headers, Some(bytes))
}

/// Where the server says that it stands.
#[track_caller]
fn stands(url: &str, place: &str) -> usize {
    let reply = send_to(url, "HEAD", place, &[], None);
    assert_eq!(reply.status, 204);
    assert_eq!(reply.headers["cache-control"], "no-store");
    reply.headers["upload-offset"].parse().unwrap()
}

fn last(file: &[u8]) -> Vec<(String, String)> {
    vec![("upload-complete".to_owned(), "?1".to_owned()), ("repr-digest".to_owned(), digest(file))]
}

fn finished(url: &str, place: &str, file: &[u8], from: usize) -> Reply {
    let headers = last(file);
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    piece(url, place, from, &file[from..], &headers)
}

/// A network that passes on so many bytes of each connection, and then cuts it without a word.
struct Cutting {
    url: String,
    connections: Arc<AtomicU64>,
}

fn cutting(target: &str, bytes: u64) -> Cutting {
    let target = target.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&connections);
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut server) = (client.unwrap(), TcpStream::connect(&target).unwrap());
            count.fetch_add(1, Ordering::Relaxed);
            let (mut back, mut answer) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || drop(std::io::copy(&mut answer, &mut back)));
            thread::spawn(move || {
                let _ = std::io::copy(&mut (&mut client).take(bytes), &mut server);
                let _ = server.shutdown(Shutdown::Both);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    Cutting { url, connections }
}

#[test]
fn given_a_network_that_cuts_every_connection_when_a_file_is_sent_then_it_arrives_whole() {
    let server = Server::start();
    let file = sealed(3 * MIB);
    let net = cutting(&server.url, 700_000);
    let place = begun(&net.url, file.len());
    let (mut from, mut tries) = (0, 0);
    while from < file.len() {
        // What the cut left of the answer is nothing; the server is asked.
        let end = file.len().min(from + MIB);
        let url = net.url.clone();
        let (part, there) = (file[from..end].to_vec(), place.clone());
        let cut = thread::spawn(move || piece(&url, &there, from, &part, &[])).join();
        let before = from;
        // As long as the server has read nothing of it, there is none, and it begins anew.
        let nothing = before == 0 && send_to(&server.url, "HEAD", &place, &[], None).status == 404;
        from = if nothing { 0 } else { stands(&server.url, &place) };
        tries += 1;
        assert!(
            from >= before && tries < 100,
            "what had arrived is gone, or nothing more arrives: {before}, {from}"
        );
        let taken = cut.is_ok_and(|reply| reply.status == 204);
        assert!(!taken || from == end, "less is there than was answered");
    }
    let kept = finished(&server.url, &place, &file, from).expect(200);
    assert_eq!(kept["blob"], hash(&file));
    assert_eq!(kept["size"], file.len());
    assert!(net.connections.load(Ordering::Relaxed) >= 5);
    let blobs = server.app.office.ledger().blobs().unwrap();
    assert_eq!(blobs.read(&hash(&file)).unwrap(), file);
    let parts = server.folder().join("data/blobs/parts");
    assert_eq!(std::fs::read_dir(parts).unwrap().count(), 0);
}

#[test]
fn given_pieces_that_come_twice_or_from_elsewhere_then_each_is_told_where_it_stands_and_nothing_is_spoilt() {
    let server = Server::start();
    let (file, url) = (sealed(200_000), server.url.as_str());
    let place = begun(url, file.len());
    for _ in 0..2 {
        // Whoever is refused early may not hear it while still sending: what is refused here is small.
        let reply = piece(url, &place, 0, &file[..8000], &[]);
        if reply.status == 204 {
            assert_eq!(reply.headers["upload-offset"], "8000");
        } else {
            reply.refused(409, "api.wrong_offset");
            assert_eq!(reply.headers["upload-offset"], "8000");
        }
    }
    piece(url, &place, 150_000, b"x", &[]).refused(409, "api.wrong_offset");
    let most = file.len() - 100;
    piece(url, &place, 8000, &file[8000..most], &[]);
    piece(url, &place, most, &[7; 101], &[]).refused(413, "api.too_large");
    assert_eq!(stands(url, &place), most, "nothing of it was kept");
    finished(url, &place, &file, most).expect(200);
    // The last answer was lost: the same is told again, by its name and by its hash.
    let again = send_to(url, "HEAD", &place, &[], None);
    assert_eq!((again.headers["upload-complete"].as_str(), stands(url, &place)), ("?1", file.len()));
    let same = finished(url, &place, &file, file.len()).expect(200);
    assert_eq!(same["blob"], hash(&file));
    let (length, said) = (file.len().to_string(), digest(&file));
    let headers = [("upload-length", &*length), ("upload-complete", "?0"), ("repr-digest", &*said)];
    let known = send_to(url, "POST", UPLOADS, &headers, None).expect(200);
    assert_eq!(known["blob"], hash(&file));
}

#[test]
fn given_what_is_not_what_it_is_said_to_be_then_it_is_refused_and_nothing_of_it_stays() {
    let server = Server::start();
    let (file, url) = (sealed(200_000), server.url.as_str());
    let place = begun(url, file.len());
    let mut other = file.clone();
    other[150_000] ^= 1;
    piece(url, &place, 0, &other, &[]);
    finished(url, &place, &file, file.len()).refused(422, "api.wrong_hash");
    piece(url, &place, 0, b"", &[("upload-complete", "?1")]);
    assert_eq!(send_to(url, "HEAD", &place, &[], None).status, 404, "it was thrown away");

    let place = begun(url, 70_000);
    piece(url, &place, 0, &vec![b'a'; 66_000], &[]).refused(422, "api.not_age");
    piece(url, &place, 0, &file[..40], &[]).refused(422, "api.not_age");
    assert_eq!(send_to(url, "HEAD", &place, &[], None).status, 404);

    let place = begun(url, file.len());
    let headers = [("upload-offset", "0"), ("upload-complete", "?0")];
    send_to(url, "PATCH", &place, &headers, Some(&file[..40])).refused(415, "api.not_partial");
    let partial = ("content-type", "application/partial-upload");
    send_to(url, "PATCH", &place, &[partial, ("upload-complete", "?0")], Some(&file[..40]))
        .refused(400, "api.bad_upload");
    send_to(url, "PATCH", &place, &[partial, ("upload-offset", "0")], Some(&file[..40]))
        .refused(400, "api.bad_upload");
    piece(url, &place, 0, &file[..40], &[("repr-digest", "blake3=:AAAA:")]).refused(400, "api.bad_upload");
    let large = [("upload-length", "134217729"), ("upload-complete", "?0")];
    send_to(url, "POST", UPLOADS, &large, None).refused(413, "api.too_large");
    send_to(url, "POST", UPLOADS, &large[1..], None).refused(400, "api.bad_upload");
    for nowhere in [
        "x",
        "../../etc/passwd",
        &place[UPLOADS.len() + 1..place.len() - 1],
        &format!("{}.+99", "0".repeat(26)),
    ] {
        let path = format!("{UPLOADS}/{}", nowhere.replace('/', "%2f"));
        piece(url, &path, 9, b"x", &[]).refused(404, "api.no_such_upload");
    }
    piece(url, &place, 0, &file[..70_000], &[]);
    assert_eq!(send_to(url, "DELETE", &place, &[], None).status, 204);
    assert_eq!(send_to(url, "HEAD", &place, &[], None).status, 404);
    assert_eq!(std::fs::read_dir(server.folder().join("data/blobs/parts")).unwrap().count(), 0);
}

/// The ledger, as soon as the threads that followed it have let it go.
pub(crate) fn taken_up(home: &Home, clock: &Arc<SetClock>) -> Ledger {
    let begun = Instant::now();
    loop {
        match Ledger::open(home, Arc::clone(clock) as _) {
            Ok(ledger) => return ledger,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(30), "{error}"),
        }
        thread::yield_now();
    }
}

#[test]
fn given_a_server_that_is_restarted_then_the_upload_goes_on_from_where_it_stood() {
    let server = Server::start();
    let file = sealed(400_000);
    let place = begun(&server.url, file.len());
    piece(&server.url, &place, 0, &file[..300_000], &[]);
    let folder = server.stopped();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let home = Home::beside(&folder.path().join("data"));
    let clock = Arc::new(SetClock::at("2024-05-10T03:00:00Z".parse().unwrap()));
    let ledger = taken_up(&home, &clock);
    let options = Options { limits: Some(limits(&[("room_for_files_mib", 2)])), ..Options::default() };
    let app = App::with(Office::open(ledger).unwrap(), Keystore::at(&home.actors()), options).unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(adit_api::serve(listener, Arc::clone(&app), std::future::pending()));

    assert_eq!(stands(&url, &place), 300_000);
    let kept = finished(&url, &place, &file, 300_000).expect(200);
    assert_eq!(kept["blob"], hash(&file));
    assert_eq!(app.office.ledger().blobs().unwrap().read(&hash(&file)).unwrap(), file);
}

#[test]
fn given_a_disk_that_loses_what_was_not_synced_then_what_was_answered_is_there() {
    let disk = FaultyDisk::default();
    let server = Server::start_on(&disk);
    let file = sealed(200_000);
    let place = begun(&server.url, file.len());
    piece(&server.url, &place, 0, &file[..120_000], &[]);
    let cut = disk.after_power_cut(0);
    let folder = server.folder().join("data/blobs/parts");
    let name = place[UPLOADS.len() + 1..].to_owned();
    assert_eq!(cut.read(&folder.join(name)).unwrap(), file[..120_000]);
    disk.fail_at(server.next_step(&disk), Fault::Error(std::io::ErrorKind::StorageFull));
    piece(&server.url, &place, 120_000, &file[120_000..121_000], &[]).refused(503, "api.not_written");
    let from = stands(&server.url, &place);
    finished(&server.url, &place, &file, from).expect(200);
    disk.set_room(1024 * MIB as u64);
    let headers = [("upload-length", "300000"), ("upload-complete", "?0")];
    send_to(&server.url, "POST", UPLOADS, &headers, None).refused(507, "api.no_room");
}

#[test]
fn given_a_flood_of_uploads_then_they_are_bounded_the_quiet_make_way_and_are_cleared_away_and_words_still_go()
{
    let changed =
        [("room_for_files_mib", 2), ("room_for_words_mib", 1), ("parts_at_once", 4), ("parts_mib", 1)];
    let server = Server::start_with(Options { limits: Some(limits(&changed)), ..Options::default() });
    let (file, url) = (sealed(600_000), server.url.as_str());
    let places: Vec<String> = (0..5).map(|_| begun(url, file.len())).collect();
    for place in &places[..4] {
        assert_eq!(piece(url, place, 0, &file[..200_000], &[]).status, 204);
    }
    piece(url, &places[4], 0, &file[..2000], &[]).refused(503, "api.busy");
    assert!(
        server.get("/report?lang=zh", None).text.contains("大文件"),
        "it is said before anybody chooses a file"
    );
    server.clock.advance_seconds(3 * 60);
    assert_eq!(stands(url, &places[0]), 200_000);
    server.clock.advance_seconds(3 * 60);
    assert_eq!(piece(url, &places[4], 0, &file[..200_000], &[]).status, 204, "one that was quiet made way");
    assert_eq!(stands(url, &places[0]), 200_000, "and not the one that somebody asked for");
    // Everything together is a mebibyte; what is sent goes on, and the quiet make way for it.
    finished(url, &places[4], &file, 200_000).expect(200);
    let words = seal::seal(b"{}", [Identity::from_bytes(&[9; 32]).recipient().as_str()], Kind::Text).unwrap();
    server.send("PUT", "/api/v1/sealed", &[], Some(&words)).expect(200);
    let parts = server.folder().join("data/blobs/parts");
    let bytes: u64 =
        std::fs::read_dir(&parts).unwrap().map(|one| one.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes <= MIB as u64, "{bytes}");
    server.clock.advance_seconds(13 * 3600);
    adit_api::timekeeper::Timekeeper::default().clear(&server.app);
    assert_eq!(std::fs::read_dir(&parts).unwrap().count(), 0);
    assert!(!server.get("/report?lang=en", None).text.contains("large files"));
}

/// Sends the head of a form and waits for what `pace` says between its bytes; the status of the answer, if one came.
fn slowly(server: &Server, pieces: usize, bytes: usize, wait: Duration) -> Option<String> {
    let address = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(wait)).unwrap();
    let head = "--x\r\ncontent-disposition: form-data; name=\"step\"\r\n\r\nlook\r\n--x\r\ncontent-disposition: form-data; name=\"words\"\r\n\r\n\
                gas\r\n--x\r\ncontent-disposition: form-data; name=\"files\"; filename=\"a\"\r\n\r\n";
    let tail = "\r\n--x--\r\n";
    let length = head.len() + pieces * bytes + tail.len();
    write!(
        stream,
        "POST /report?lang=en HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: {length}\r\n\r\n{head}"
    )
    .unwrap();
    let mut answer = Vec::new();
    for _ in 0..pieces {
        // An answer before the end is one that gave up.
        let mut early = [0; 4096];
        match stream.read(&mut early) {
            Ok(many) => {
                answer.extend_from_slice(&early[..many]);
                break;
            }
            Err(_) => stream.write_all(&vec![b'x'; bytes]).ok()?,
        }
    }
    let _ = stream.write_all(tail.as_bytes());
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).lines().next().map(str::to_owned)
}

#[test]
fn given_a_slow_network_without_scripts_then_a_form_may_take_longer_than_a_minute_as_long_as_enough_arrives()
{
    let changed =
        [("request_seconds", 1), ("upload_kib", 8), ("room_for_files_mib", 2), ("room_for_words_mib", 1)];
    let server = Server::start_with(Options { limits: Some(limits(&changed)), ..Options::default() });
    let begun = Instant::now();
    let slow = slowly(&server, 14, 8192, Duration::from_millis(200));
    assert!(begun.elapsed() > Duration::from_millis(2500), "{:?}", begun.elapsed());
    assert_eq!(slow.as_deref(), Some("HTTP/1.1 200 OK"));
    let begun = Instant::now();
    let stalled = slowly(&server, 40, 16, Duration::from_millis(200));
    assert_eq!(stalled.as_deref(), Some("HTTP/1.1 503 Service Unavailable"));
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}
