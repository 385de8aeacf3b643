//! Entries of a stream between two IDs, from either end. Layer 1, part of `stream`.
//!
//! Going backwards decodes one block at a time as a whole: entries tell only how they differ from the one before.

use std::sync::Arc;

use super::Id;
use super::block::{Block, Entries, Entry};
use super::ordered::Iter;

/// Entries in order, deleted ones left out.
pub struct Forward<'a> {
    blocks: Iter<'a, Arc<Block>>,
    entries: Option<Entries<'a>>,
    from: Id,
    to: Id,
}

impl<'a> Forward<'a> {
    pub(super) fn new(blocks: Iter<'a, Arc<Block>>, from: Id, to: Id) -> Forward<'a> {
        Forward { blocks, entries: None, from, to }
    }
}

impl<'a> Iterator for Forward<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            if let Some(entries) = &mut self.entries {
                for entry in entries.by_ref() {
                    if entry.id > self.to {
                        return None;
                    }
                    if entry.id >= self.from && !entry.is_deleted {
                        return Some(entry);
                    }
                }
            }
            let (_, block) = self.blocks.next()?;
            self.entries = (block.last >= self.from).then(|| block.iter());
        }
    }
}

/// Entries from the last to the first, deleted ones left out.
pub struct Backward<'a> {
    blocks: Iter<'a, Arc<Block>>,
    entries: Vec<Entry<'a>>,
    from: Id,
    to: Id,
}

impl<'a> Backward<'a> {
    pub(super) fn new(blocks: Iter<'a, Arc<Block>>, from: Id, to: Id) -> Backward<'a> {
        Backward { blocks, entries: Vec::new(), from, to }
    }
}

impl<'a> Iterator for Backward<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            if let Some(entry) = self.entries.pop() {
                return Some(entry);
            }
            let (_, block) = self.blocks.next_back()?;
            let wanted = self.from..=self.to;
            let entries = block.iter().take_while(|entry| entry.id <= self.to);
            self.entries.extend(entries.filter(|entry| wanted.contains(&entry.id) && !entry.is_deleted));
        }
    }
}
