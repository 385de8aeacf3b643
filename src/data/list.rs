//! The list. Layer 1.

use super::collection::{Collection, collection};
use super::pack::Pack;

/// A list.
#[derive(Clone, Default)]
pub struct List {
    pack: Vec<u8>,
}

/// A list, to read.
#[derive(Clone, Copy)]
pub struct ListRef<'a>(pub Pack<'a>);

impl ListRef<'_> {
    /// The name of its form.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        "listpack"
    }
}

impl Collection for List {
    collection!(List);
    const INLINE_MAX: usize = 2048;
    type Ref<'a> = ListRef<'a>;

    fn view(&self) -> ListRef<'_> {
        ListRef(Pack::new(&self.pack))
    }
    fn view_pack(pack: &[u8]) -> ListRef<'_> {
        ListRef(Pack::new(pack))
    }
    fn from_pack(pack: Vec<u8>) -> Self {
        List { pack }
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
