//! Public keys as C2SP signed-note vkeys: `<name>+<8 hex key id>+<base64(type || 32-byte key)>`.

/// A public key with its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VKey {
    pub name: String,
    /// 0x01 for Ed25519, 0x04 for witnesses.
    pub kind: u8,
    pub key: [u8; 32],
}
