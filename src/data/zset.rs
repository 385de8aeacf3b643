//! The zset. Layer 1.

use super::collection::{Collection, collection};
use super::pack::Pack;

/// A zset.
#[derive(Clone, Default)]
pub struct Zset {
    pack: Vec<u8>,
}

/// A zset, to read.
#[derive(Clone, Copy)]
pub struct ZsetRef<'a>(pub Pack<'a>);

impl ZsetRef<'_> {
    /// The name of its form.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        "listpack"
    }
}

impl Collection for Zset {
    collection!(Zset);
    const INLINE_MAX: usize = 2048;
    type Ref<'a> = ZsetRef<'a>;

    fn view(&self) -> ZsetRef<'_> {
        ZsetRef(Pack::new(&self.pack))
    }
    fn view_pack(pack: &[u8]) -> ZsetRef<'_> {
        ZsetRef(Pack::new(pack))
    }
    fn from_pack(pack: Vec<u8>) -> Self {
        Zset { pack }
    }
    fn as_pack(&self) -> Option<&[u8]> {
        Some(&self.pack)
    }
    fn is_gone(&self) -> bool {
        Pack::new(&self.pack).is_empty()
    }
    fn bytes(&self) -> usize {
        self.pack.capacity()
    }
    fn free_some(&mut self, _budget: usize) -> bool {
        true
    }
}
