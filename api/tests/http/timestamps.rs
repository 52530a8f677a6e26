//! Timestamps over the published checkpoint by a service that nobody here wrote: `openssl ts`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use adit_api::timestamps::{StampError, Stamper};

use crate::common::Server;

const CONFIG: &str = "[tsa]\ndefault_tsa = one\n[one]\nserial = serial\nsigner_digest = sha256\ndigests = sha256\n\
    default_policy = 1.2.3.4\nordering = yes\ntsa_name = no\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n";

fn openssl(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").current_dir(folder).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// A timestamp authority in a folder.
fn authority(folder: &Path) {
    std::fs::write(folder.join("tsa.cnf"), CONFIG).unwrap();
    std::fs::write(folder.join("serial"), "01").unwrap();
    let make = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-days",
        "3",
        "-subj",
        "/CN=tsa.example",
        "-addext",
        "extendedKeyUsage=critical,timeStamping",
    ];
    let (done, said) = openssl(folder, &make);
    assert!(done, "{said}");
}

/// Serves `answer(query)` to whoever asks, until the test ends.
fn serve(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut length, mut line) = (0, String::new());
            while stream.read_line(&mut line).unwrap() > 2 {
                let lower = line.to_lowercase();
                length = lower.strip_prefix("content-length:").map_or(length, |n| n.trim().parse().unwrap());
                line.clear();
            }
            let mut query = vec![0; length];
            stream.read_exact(&mut query).unwrap();
            let body = answer(&query);
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/timestamp-reply\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.get_mut().write_all(&[head.as_bytes(), &body].concat()).unwrap();
        }
    });
    url
}

fn stamping(folder: PathBuf) -> impl Fn(&[u8]) -> Vec<u8> + Send + 'static {
    move |query| {
        std::fs::write(folder.join("query.tsq"), query).unwrap();
        let reply = [
            "ts",
            "-reply",
            "-config",
            "tsa.cnf",
            "-queryfile",
            "query.tsq",
            "-signer",
            "cert.pem",
            "-inkey",
            "key.pem",
            "-out",
            "reply.tsr",
        ];
        let (done, said) = openssl(&folder, &reply);
        assert!(done, "{said}");
        std::fs::read(folder.join("reply.tsr")).unwrap()
    }
}

#[test]
fn given_a_timestamp_service_then_the_published_checkpoint_is_stamped_once_an_hour_and_openssl_verifies_it() {
    let server = Server::start();
    let ledger = server.app.office.ledger();
    let tsa = tempfile::tempdir().unwrap();
    authority(tsa.path());
    let stamper = Stamper::new(&serve(stamping(tsa.path().to_owned())), ledger.home().unwrap()).unwrap();
    assert!(server.get("/log/timestamps", None).text.is_empty());
    assert!(stamper.round(ledger).unwrap());
    assert!(!stamper.round(ledger).unwrap(), "stamped already");
    server.hazard(0);
    ledger.publish_now();
    assert!(!stamper.round(ledger).unwrap(), "not twice in an hour");
    server.clock.set(ledger.now().plus_seconds(3600));
    assert!(stamper.round(ledger).unwrap());

    let sizes = server.get("/log/timestamps", None).text;
    let sizes: Vec<&str> = sizes.lines().collect();
    assert_eq!((sizes.len(), sizes[0]), (2, server.size().to_string().as_str()));
    for size in sizes {
        for kind in ["tsr", "note"] {
            let reply = server.get(&format!("/log/timestamps/{size}.{kind}"), None);
            assert_eq!(reply.status, 200);
            std::fs::write(tsa.path().join(format!("got.{kind}")), reply.bytes).unwrap();
        }
        let check = ["ts", "-verify", "-data", "got.note", "-in", "got.tsr", "-CAfile", "cert.pem"];
        let (done, said) = openssl(tsa.path(), &check);
        assert!(done && said.contains("Verification: OK"), "{said}");
        std::fs::write(tsa.path().join("got.note"), "another note").unwrap();
        assert!(!openssl(tsa.path(), &check).0, "of this note alone");
    }
    for name in ["7.tsr", "07.note", "..%2Fwriter", "tsr", "1.key"] {
        server.get(&format!("/log/timestamps/{name}"), None).refused(404, "api.not_found");
    }
}

#[test]
fn given_a_service_that_answers_about_something_else_or_nothing_then_nothing_is_kept_and_it_is_asked_again() {
    let server = Server::start();
    let ledger = server.app.office.ledger();
    let tsa = tempfile::tempdir().unwrap();
    authority(tsa.path());
    let stamp = stamping(tsa.path().to_owned());
    let other = serve(move |query| {
        let mut query = query.to_vec();
        // The last bytes are the request for a certificate; before them stands the hash.
        let at = query.len() - 10;
        query[at] ^= 1;
        stamp(&query)
    });
    for url in [other, serve(|_| b"<html>".to_vec()), serve(|_| Vec::new())] {
        let stamper = Stamper::new(&url, ledger.home().unwrap()).unwrap();
        assert!(matches!(stamper.round(ledger), Err(StampError::BadAnswer)), "{url}");
        assert!(server.get("/log/timestamps", None).text.is_empty());
    }
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let stamper = Stamper::new(&format!("http://{gone}/"), ledger.home().unwrap()).unwrap();
    assert!(matches!(stamper.round(ledger), Err(StampError::Unreachable(_))));
    assert!(matches!(
        Stamper::new("ftp://tsa.example/", ledger.home().unwrap()),
        Err(StampError::BadAddress)
    ));
}
