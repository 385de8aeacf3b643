//! The set. Layer 1.

use super::collection::{Collection, collection};
use super::pack::Pack;

/// A set.
#[derive(Clone, Default)]
pub struct Set {
    pack: Vec<u8>,
}

/// A set, to read.
#[derive(Clone, Copy)]
pub struct SetRef<'a>(pub Pack<'a>);

impl SetRef<'_> {
    /// The name of its form.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        "listpack"
    }
}

impl Collection for Set {
    collection!(Set);
    const INLINE_MAX: usize = 2048;
    type Ref<'a> = SetRef<'a>;

    fn view(&self) -> SetRef<'_> {
        SetRef(Pack::new(&self.pack))
    }
    fn view_pack(pack: &[u8]) -> SetRef<'_> {
        SetRef(Pack::new(pack))
    }
    fn from_pack(pack: Vec<u8>) -> Self {
        Set { pack }
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
