//! What several commands about connections need: who may enter, what a name may look like.

use crate::spec::{Call, Flags, Refusal};
use sha2::{Digest, Sha256};

/// Flags of the commands that a client may send before it has authenticated.
pub const ENTRY: Flags = Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::NO_AUTH).and(Flags::ALLOW_BUSY);

/// Lets the client in if `user` is the default user and `password` is right (or none is wanted); else refuses and counts.
pub fn log_in(call: &mut Call, user: &[u8], password: &[u8]) -> Result<(), Refusal> {
    let wanted = &call.shard.config.requirepass;
    let is_right = wanted.is_empty() || same(wanted, password);
    if user != b"default" || !is_right {
        call.shard.stats.acl_denied_auth += 1;
        return Err(Refusal::WRONG_PASS);
    }
    let client = call.client();
    client.is_authenticated = true;
    client.user = "default";
    Ok(())
}

/// Whether two secrets are equal, in a time that says nothing about where they differ: digests of equal length are compared
/// to their last byte.
fn same(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (Sha256::digest(a), Sha256::digest(b));
    a.iter().zip(b.iter()).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

/// Whether a name or attribute of a client consists of printable characters without spaces, so that it cannot break the
/// lines of CLIENT LIST.
pub fn is_plain(name: &[u8]) -> bool {
    name.iter().all(|b| (b'!'..=b'~').contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_compare_by_value() {
        assert!(same(b"secret", b"secret"));
        assert!(!same(b"secret", b"Secret") && !same(b"secret", b"") && !same(b"secret", b"secret\0"));
    }

    #[test]
    fn names_that_break_lines_are_not_plain() {
        assert!(is_plain(b"") && is_plain(b"worker:7~!"));
        assert!(!is_plain(b"a b") && !is_plain(b"a\r\n") && !is_plain(b"\x7f") && !is_plain("ü".as_bytes()));
    }
}
