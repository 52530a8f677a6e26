//! Timestamps of others over the published checkpoint (RFC 3161): a second witness of time, from a service that knows nothing
//! of this ledger and learns one hash.
//!
//! Nothing waits for it, and nothing here rests on it: clocks are never evidence in this ledger. Whoever wants to know that a
//! checkpoint existed on a day verifies the kept answer with tools of others (`openssl ts -verify`) against the service's
//! certificate; here it is only checked that the answer is about the note that was asked about.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use adit_core::ledger::disk::{Disk, RealDisk, replace};
use adit_core::ledger::home::Home;
use adit_core::ledger::log::Ledger;
use adit_core::units::Timestamp;
use cms::cert::x509::spki::AlgorithmIdentifier;
use cms::signed_data::SignedData;
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion, TstInfo};

use crate::app::App;

/// Seconds between two timestamps; a checkpoint that is published between them is covered by the next.
const STAMP_SECONDS: i64 = 3600;
/// Seconds between two looks whether one is due.
const LOOK_SECONDS: u64 = 30;
/// Longest time for one request, in seconds.
const REQUEST_SECONDS_MAX: u64 = 15;
/// Most bytes of an answer that are read: a token with its chain of certificates.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// SHA-256 (RFC 5754).
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// Why a checkpoint has no timestamp. It is asked for again at the next look.
#[derive(Debug, thiserror::Error)]
pub enum StampError {
    #[error("the address of the timestamp service begins with neither https:// nor http://")]
    BadAddress,
    #[error("the timestamp service can't be reached: {0}")]
    Unreachable(#[from] Box<ureq::Error>),
    #[error("the timestamp service answered with no timestamp of what it was asked about")]
    BadAnswer,
    #[error("couldn't keep the timestamp: {0}")]
    Io(#[from] std::io::Error),
}

/// Asks one service.
pub struct Stamper {
    url: String,
    folder: PathBuf,
    agent: ureq::Agent,
    last: Mutex<Option<Timestamp>>,
}

/// Where the timestamps of a ledger lie: `<size>.note`, and `<size>.tsr` about it.
pub(crate) fn folder(home: &Home) -> PathBuf {
    home.data.join("timestamps")
}

impl Stamper {
    pub fn new(url: &str, home: &Home) -> Result<Self, StampError> {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(StampError::BadAddress);
        }
        let timeout = Some(Duration::from_secs(REQUEST_SECONDS_MAX));
        let agent = ureq::Agent::config_builder().timeout_global(timeout).build().into();
        Ok(Self { url: url.to_owned(), folder: folder(home), agent, last: Mutex::new(None) })
    }

    /// Stamps the published checkpoint, unless that was done within the hour or nothing is published. Whether it did.
    pub fn round(&self, ledger: &Ledger) -> Result<bool, StampError> {
        let (now, published) = (ledger.now(), ledger.published());
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| now.seconds_since(last) >= STAMP_SECONDS);
        let disk = RealDisk::default();
        let tsr = self.folder.join(format!("{}.tsr", published.size()));
        if !due || published.note.is_empty() || disk.read(&tsr).is_ok() {
            return Ok(false);
        }
        let hash: [u8; 32] = Sha256::digest(&published.note).into();
        let answer = self.ask(&request(&hash).ok_or(StampError::BadAnswer)?)?;
        if imprint(&answer).is_none_or(|imprint| imprint != hash) {
            return Err(StampError::BadAnswer);
        }
        disk.create_folder(&self.folder)?;
        // The note first: an answer is never there without what it is about.
        replace(&disk, &self.folder.join(format!("{}.note", published.size())), &published.note)?;
        replace(&disk, &tsr, &answer)?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(true)
    }

    fn ask(&self, query: &[u8]) -> Result<Vec<u8>, StampError> {
        let request = self.agent.post(&self.url).content_type("application/timestamp-query");
        let mut response = request.send(query).map_err(Box::new)?;
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        Ok(body.read_to_vec().map_err(Box::new)?)
    }
}

/// A request for a timestamp over a SHA-256, with the service's certificate in the answer.
fn request(hash: &[u8]) -> Option<Vec<u8>> {
    let message_imprint = MessageImprint {
        hash_algorithm: AlgorithmIdentifier { oid: SHA256, parameters: None },
        hashed_message: OctetString::new(hash).ok()?,
    };
    let version = TspVersion::V1;
    let request = TimeStampReq {
        version,
        message_imprint,
        req_policy: None,
        nonce: None,
        cert_req: true,
        extensions: None,
    };
    request.to_der().ok()
}

/// What a granted timestamp is about.
fn imprint(answer: &[u8]) -> Option<Vec<u8>> {
    let token = TimeStampResp::from_der(answer).ok()?.time_stamp_token?;
    let signed: SignedData = token.content.decode_as().ok()?;
    let content = signed.encap_content_info.econtent?;
    let info = TstInfo::from_der(content.value()).ok()?;
    let is_sha256 = info.message_imprint.hash_algorithm.oid == SHA256;
    is_sha256.then(|| info.message_imprint.hashed_message.as_bytes().to_vec())
}

/// Stamps whenever it is due, for as long as the server runs.
pub async fn run(app: Weak<App>, stamper: Arc<Stamper>) {
    loop {
        tokio::time::sleep(Duration::from_secs(LOOK_SECONDS)).await;
        let Some(running) = app.upgrade() else { return };
        let stamper = Arc::clone(&stamper);
        let round = tokio::task::spawn_blocking(move || stamper.round(running.office.ledger())).await;
        if let Ok(Err(error)) = round {
            tracing::warn!(%error, "the checkpoint has no timestamp; it is asked for again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_timestamp_is_not_taken_for_one() {
        let query = request(&[7; 32]).expect("a request");
        assert!(query.windows(32).any(|window| window == [7; 32]));
        for answer in [&b""[..], b"0\x030\x01\x02", b"<html>", &query] {
            assert_eq!(imprint(answer), None);
        }
    }
}
