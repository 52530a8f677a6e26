//! The onion service that leads to this server, and by which way a request came.

use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

/// Characters of the name of an onion service, version 3, before `.onion`.
const NAME_CHARS: usize = 56;
/// Tells Tor Browser that the same pages are there as an onion service.
const ONION_LOCATION: HeaderName = HeaderName::from_static("onion-location");
/// Said by a proxy that ends TLS in front of this server.
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The address of an onion service, `http://<56 characters>.onion`, without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onion(String);

/// Why a text is no address of an onion service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an onion address is http:// and 56 characters of a-z and 2-7, the last one d, and .onion, with nothing after it / \
     洋葱地址是 http:// 加 56 个字符（a-z、2-7，最后一个是 d）加 .onion，后面没有别的"
)]
pub struct OnionError;

/// Whether a host is the name of an onion service of version 3; its last character holds the version.
fn is_onion(host: &str) -> bool {
    let name = host.strip_suffix(".onion").map(|name| name.rsplit('.').next().unwrap_or_default());
    name.is_some_and(|name| {
        let letters = name.bytes().all(|byte| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte));
        name.len() == NAME_CHARS && letters && name.ends_with('d')
    })
}

impl FromStr for Onion {
    type Err = OnionError;

    fn from_str(text: &str) -> Result<Self, OnionError> {
        let host = text.trim_end_matches('/').strip_prefix("http://").ok_or(OnionError)?;
        if is_onion(host) { Ok(Self(format!("http://{host}"))) } else { Err(OnionError) }
    }
}

impl Onion {
    /// The header that names the same page there.
    pub(crate) fn location(&self, page: &Uri) -> Option<(HeaderName, HeaderValue)> {
        let path = page.path_and_query().map_or("/", |path| path.as_str());
        Some((ONION_LOCATION, HeaderValue::from_str(&format!("{}{path}", self.0)).ok()?))
    }
}

/// By which way a request came, as far as its headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Through Tor, to the onion service: encrypted to here, and neither side knows where the other is.
    Onion,
    /// Encrypted up to the proxy in front.
    Https,
    Plain,
}

impl Way {
    /// A client that says another host than it asked for deceives itself alone.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST.as_str()).unwrap_or_default().to_ascii_lowercase();
        let host = host.split(':').next().unwrap_or_default();
        if is_onion(host) {
            return Self::Onion;
        }
        let proto = text(FORWARDED_PROTO).and_then(|list| list.split(',').next_back()).map(str::trim);
        if proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https")) { Self::Https } else { Self::Plain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> String {
        format!("{}d", "a2".repeat(27) + "b")
    }

    fn way(host: &str, proto: &str) -> Way {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("host"));
        headers.insert(FORWARDED_PROTO, proto.parse().expect("proto"));
        Way::of(&headers)
    }

    #[test]
    fn an_onion_address_is_read_and_anything_else_is_refused() {
        let good = format!("http://{}.onion", name());
        assert_eq!(good.parse::<Onion>(), Ok(Onion(good.clone())));
        assert_eq!(format!("{good}/").parse::<Onion>(), Ok(Onion(good.clone())));
        let (https, old) = (good.replacen("http", "https", 1), "http://expyuzz4wqqyqhjn.onion".to_owned());
        let (upper, path, other) =
            (good.to_uppercase(), format!("{good}/x"), "http://example.org".to_owned());
        for bad in [https, old, upper, path, other, String::new(), format!("{good}\r\nx: y")] {
            assert_eq!(bad.parse::<Onion>(), Err(OnionError), "{bad}");
        }
    }

    #[test]
    fn a_page_is_named_with_its_question_and_nothing_breaks_out_of_the_header() {
        let onion: Onion = format!("http://{}.onion", name()).parse().expect("onion");
        let at = |page: &str| onion.location(&page.parse().expect("uri")).expect("header").1;
        assert_eq!(at("/report?lang=en"), format!("http://{}.onion/report?lang=en", name()));
        assert_eq!(at("/"), format!("http://{}.onion/", name()));
    }

    #[test]
    fn the_way_is_told_by_host_and_proxy() {
        let onion = format!("{}.onion", name());
        assert_eq!(way(&onion, "http"), Way::Onion);
        assert_eq!(way(&format!("www.{onion}:80").to_uppercase(), "https"), Way::Onion);
        assert_eq!(way("xiuyan.example", "https"), Way::Https);
        assert_eq!(way("xiuyan.example", "http, https"), Way::Https);
        assert_eq!(way("xiuyan.example", "https, http"), Way::Plain);
        assert_eq!(way("not-an.onion", ""), Way::Plain);
    }
}
