//! The reporter's pages: report, receipt, my report. Complete without a script, in Chinese and English, and for one secret only.
//!
//! Nothing here keeps a session. What is typed travels in the form until it is sent; the secret travels in the body of a
//! request and never in an address. No handler logs anything that came with a request.

mod case;
pub(crate) mod follow;
mod form;
pub(crate) mod home;
pub(crate) mod language;
mod picture;
pub(crate) mod report;

use adit_core::id::StreamId;
use adit_core::secret::Secret;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::convert::{Builder, Shape};
use fast_qr::qr::QRBuilder;

/// The short public number of a report, for the telephone: twelve digits in three groups, the last a check digit (ISO 7064,
/// MOD 11,10). It follows from the report's stream id, is not secret, and opens nothing.
fn case_number(report: &StreamId) -> String {
    let mut seed = 0_u64;
    for byte in report.id.0.iter().take(8) {
        seed = (seed << 8) | u64::from(*byte);
    }
    let body = format!("{:011}", seed % 100_000_000_000);
    let mut sum = 10;
    for digit in body.bytes() {
        sum = (sum + u32::from(digit - b'0')) % 10;
        sum = if sum == 0 { 10 } else { sum } * 2 % 11;
    }
    let whole = format!("{body}{}", (11 - sum) % 10);
    format!("{} {} {}", &whole[..4], &whole[4..8], &whole[8..])
}

/// The secret as a picture that a telephone reads; it holds nothing else.
fn qr(text: &str) -> String {
    let code = QRBuilder::new(text).build();
    code.map(|code| SvgBuilder::default().shape(Shape::Square).to_str(&code)).unwrap_or_default()
}

/// Words of a secret in their four groups.
fn groups(secret: &Secret, language: language::Language) -> Vec<Vec<&'static str>> {
    secret.words(language.script()).chunks(3).map(<[&str]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use adit_core::id::{Id, StreamKind};

    #[test]
    fn a_case_number_tells_one_wrong_digit_and_says_the_same_each_time() {
        let report = StreamId::new(StreamKind::Report, Id([0x5a; 16]));
        let number = case_number(&report);
        assert_eq!(number, case_number(&report));
        assert_eq!(number.len(), 14);
        let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
        let holds = |digits: &[u32]| {
            let mut sum = 10;
            for digit in &digits[..11] {
                sum = (sum + digit) % 10;
                sum = if sum == 0 { 10 } else { sum } * 2 % 11;
            }
            (sum + digits[11]) % 10 == 1
        };
        assert!(holds(&digits));
        for at in 0..12 {
            for wrong in (0..10).filter(|wrong| *wrong != digits[at]) {
                let mut mistyped = digits.clone();
                mistyped[at] = wrong;
                assert!(!holds(&mistyped), "{at} {wrong}");
            }
        }
    }
}
