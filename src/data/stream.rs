//! The stream. Layer 1.

use super::collection::{Collection, collection};
use super::pack::Pack;

/// A stream.
#[derive(Clone, Default)]
pub struct Stream {
    pack: Vec<u8>,
}

/// A stream, to read.
#[derive(Clone, Copy)]
pub struct StreamRef<'a>(pub Pack<'a>);

impl StreamRef<'_> {
    /// The name of its form.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        "listpack"
    }
}

impl Collection for Stream {
    collection!(Stream);
    const INLINE_MAX: usize = 2048;
    type Ref<'a> = StreamRef<'a>;

    fn view(&self) -> StreamRef<'_> {
        StreamRef(Pack::new(&self.pack))
    }
    fn view_pack(pack: &[u8]) -> StreamRef<'_> {
        StreamRef(Pack::new(pack))
    }
    fn from_pack(pack: Vec<u8>) -> Self {
        Stream { pack }
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
