//! An OpenID provider in a few lines, which signs whatever it is told to, right or wrong: no real one would. The real one is in
//! `openid_in_browser`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) const CLIENT: &str = "adit at tests";
pub(crate) const SECRET: &str = "a client's secret: %&+";

/// What it says next, and what it was asked.
pub(crate) struct Says {
    pub(crate) subject: String,
    /// What was sent with the browser, as the test saw it leave.
    pub(crate) nonce: String,
    pub(crate) challenge: String,
    pub(crate) now: i64,
    /// Claims in the place of the right ones; null leaves one out.
    pub(crate) claims: Value,
    pub(crate) header: Value,
    /// By which key it signs; the first is the one that it publishes.
    pub(crate) key: u8,
    pub(crate) publishes: (u8, &'static str),
    /// What discovery says in the place of what is right.
    pub(crate) discovery: Value,
    /// The whole answer of a path, in the place of the right one.
    pub(crate) instead: Option<(&'static str, Vec<u8>)>,
    /// The code that it takes; any, where there is none.
    pub(crate) code: Option<String>,
    /// It takes a request and never answers; the connections are kept open.
    pub(crate) hangs: bool,
    pub(crate) held: Vec<TcpStream>,
    /// Everything that it was asked: the line of the request, its headers, its body.
    pub(crate) asked: Vec<(String, String, String)>,
}

/// It goes on until the test is over.
pub(crate) struct Hostile {
    pub(crate) issuer: String,
    says: Arc<Mutex<Says>>,
}

fn key(name: u8) -> SigningKey {
    SigningKey::from_slice(&[name; 32]).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// HMAC-SHA256 (RFC 2104), with a key that is shorter than a block.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| {
        let mut block = [pad; 64];
        block.iter_mut().zip(key).for_each(|(byte, of_key)| *byte ^= of_key);
        block
    };
    let inner = Sha256::digest([&padded(0x36)[..], text].concat());
    Sha256::digest([&padded(0x5c)[..], &inner].concat()).to_vec()
}

fn with(mut right: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().into_iter().flatten() {
        if value.is_null() {
            right.as_object_mut().unwrap().remove(name);
        } else {
            right[name] = value.clone();
        }
    }
    right
}

fn answer(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Another status than 200, or an answer that is no JSON.
pub(crate) fn raw(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

impl Says {
    fn token(&self, issuer: &str) -> String {
        let right = json!({ "iss": issuer, "sub": self.subject, "aud": CLIENT, "exp": self.now + 300, "iat": self.now,
            "nonce": self.nonce, "email": "somebody@id.example" });
        let header = with(json!({ "alg": "ES256", "typ": "JWT", "kid": "one" }), &self.header);
        let signed = format!("{}.{}", encoded(&header), encoded(&with(right, &self.claims)));
        let signature = match header["alg"].as_str() {
            Some("none") => Vec::new(),
            Some("HS256") => hmac(SECRET.as_bytes(), signed.as_bytes()),
            _ => {
                let signature: Signature = key(self.key).sign(signed.as_bytes());
                signature.to_bytes().to_vec()
            }
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn answer(&self, issuer: &str, path: &str, body: &str) -> Vec<u8> {
        if let Some((of, instead)) = &self.instead
            && *of == path
        {
            return instead.clone();
        }
        let json = |value: Value| answer("application/json", value.to_string().as_bytes());
        match path {
            "/.well-known/openid-configuration" => {
                let right = json!({ "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth?tenant=1"),
                    "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks"),
                    "response_types_supported": ["code"], "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
                    "authorization_response_iss_parameter_supported": true });
                json(with(right, &self.discovery))
            }
            "/jwks" => {
                let (name, id) = self.publishes;
                let point = key(name).verifying_key().to_encoded_point(false);
                let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
                json(json!({ "keys": [{ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": id,
                    "x": part(point.x().unwrap()), "y": part(point.y().unwrap()) }] }))
            }
            "/token" => {
                let typed: Vec<(String, String)> = serde_urlencoded::from_str(body).unwrap();
                let field =
                    |name: &str| typed.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
                let verifier = field("code_verifier").unwrap_or_default();
                let proven = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == self.challenge;
                let known = self.code.as_deref().is_none_or(|code| field("code") == Some(code));
                if !proven || !known {
                    let refused =
                        json!({ "error": "invalid_grant", "error_description": "canary of the provider" });
                    return raw(
                        "400 Bad Request",
                        "content-type: application/json\r\n",
                        &refused.to_string(),
                    );
                }
                json(json!({ "access_token": "an access token", "token_type": "Bearer", "expires_in": 300,
                    "id_token": self.token(issuer) }))
            }
            _ => raw("404 Not Found", "", ""),
        }
    }
}

impl Hostile {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let says = Says {
            subject: "subject-of-the-first".to_owned(),
            nonce: String::new(),
            challenge: String::new(),
            now: 0,
            claims: json!({}),
            header: json!({}),
            key: 1,
            publishes: (1, "one"),
            discovery: json!({}),
            instead: None,
            code: None,
            hangs: false,
            held: Vec::new(),
            asked: Vec::new(),
        };
        let says = Arc::new(Mutex::new(says));
        let (shared, own) = (Arc::clone(&says), issuer.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = serve(stream.unwrap(), &shared, &own);
            }
        });
        Self { issuer, says }
    }

    pub(crate) fn says(&self) -> MutexGuard<'_, Says> {
        self.says.lock().unwrap()
    }

    /// Everything is right again.
    pub(crate) fn behaves(&self) {
        let mut says = self.says();
        (says.claims, says.header, says.discovery) = (json!({}), json!({}), json!({}));
        (says.instead, says.code, says.key, says.publishes) = (None, None, 1, (1, "one"));
        "subject-of-the-first".clone_into(&mut says.subject);
    }
}

fn serve(stream: TcpStream, says: &Mutex<Says>, issuer: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let (mut headers, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
        headers.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut says = says.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    says.asked.push((first.trim().to_owned(), headers, body.clone()));
    if says.hangs {
        says.held.push(reader.into_inner());
        return Ok(());
    }
    let answer = says.answer(issuer, &path, &body);
    drop(says);
    reader.get_mut().write_all(&answer)
}
