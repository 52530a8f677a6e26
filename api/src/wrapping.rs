//! What stands in the file of a key under a key of its password: the signing key, the secret of a second factor, a link.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::keystore::KeystoreError;
use crate::openid::Link;

/// Nonce and ciphertext in base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sealed {
    pub(crate) nonce: String,
    pub(crate) sealed: String,
}

/// What the secret of a second factor is bound to.
pub(crate) const SECOND: &[u8] = b"second factor";
/// What the account at a provider is bound to.
pub(crate) const LINK: &[u8] = b"openid link";

pub(crate) fn sealed(wrapping: &[u8; 32], secret: &[u8], bound_to: &[u8]) -> Result<Sealed, KeystoreError> {
    let (nonce, sealed) = wrap(wrapping, secret, bound_to)?;
    Ok(Sealed { nonce, sealed })
}

pub(crate) fn sealed_link(wrapping: &[u8; 32], link: &Link) -> Result<Sealed, KeystoreError> {
    let link = serde_json::to_vec(link).map(Zeroizing::new).map_err(|_| KeystoreError::Wrap)?;
    sealed(wrapping, &link, LINK)
}

/// Nonce and ciphertext.
pub(crate) fn wrap(
    wrapping: &[u8; 32],
    secret: &[u8],
    bound_to: &[u8],
) -> Result<(String, String), KeystoreError> {
    let mut nonce = [0_u8; 24];
    getrandom::fill(&mut nonce).map_err(|_| KeystoreError::Wrap)?;
    let sealed = XChaCha20Poly1305::new(wrapping.into())
        .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: bound_to })
        .map_err(|_| KeystoreError::Wrap)?;
    Ok((STANDARD.encode(nonce), STANDARD.encode(sealed)))
}

pub(crate) fn unwrap(
    wrapping: &[u8; 32],
    nonce: &str,
    sealed: &str,
    bound_to: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    let decode = |text: &str| STANDARD.decode(text).map_err(|_| KeystoreError::Wrong);
    let nonce: [u8; 24] = decode(nonce)?.try_into().map_err(|_| KeystoreError::Wrong)?;
    let sealed = decode(sealed)?;
    XChaCha20Poly1305::new(wrapping.into())
        .decrypt(&XNonce::from(nonce), Payload { msg: &sealed, aad: bound_to })
        .map(Zeroizing::new)
        .map_err(|_| KeystoreError::Wrong)
}
