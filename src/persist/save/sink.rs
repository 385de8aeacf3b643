//! What the keyspace hands out at and after the cut, as bytes that are ready for the file.
//!
//! Layer 4, under `save`. The keyspace holds the sink while its walk is on and calls it from inside of write commands, so it is quick: small
//! values become bytes at once, of big ones only the handle is kept (whoever changes the value then copies what it changes).
//!
//! Invariants: a full buffer holds whole records and names its database first, so buffers of all cores may stand in the file in any order;
//! what was handed out is in exactly one of `open`, `full` and `big` until it is taken.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::encode::{Attributes, Encoder};
use crate::data::collection::Object;
use crate::keyspace::{Item, PreImages, Value};
use crate::persist::plan::SaveJob;

/// Values of more bytes are encoded later, in slices.
const SMALL: usize = 2048;
/// What the handle of one big value weighs at most: only what is changed of it is copied.
const WEIGHT_MAX: usize = 1 << 20;
/// Empty buffers kept for later.
const SPARES: usize = 4;

/// A big value as it was at the cut.
pub struct Big {
    pub db: usize,
    pub attributes: Attributes,
    pub key: Vec<u8>,
    pub value: Value,
    weight: usize,
}

/// Bytes for the file.
pub struct Chunk {
    pub bytes: Vec<u8>,
    /// Where they go, if that is settled.
    pub at: Option<u64>,
}

/// See the file's head.
pub struct Sink {
    encoder: Encoder,
    /// Unix ms, not before the latest time at which any key was used.
    pub now: i64,
    /// A buffer that holds so many bytes is full.
    buffer: usize,
    open: Vec<u8>,
    /// The database that `open` is in.
    db: Option<usize>,
    full: VecDeque<Chunk>,
    full_bytes: usize,
    big: VecDeque<Big>,
    big_weight: usize,
    spare: Vec<Vec<u8>>,
    pub keys: u64,
    /// The version of the format that the keys so far need.
    pub needed: u16,
    /// A value that the file cannot hold.
    pub fault: Option<String>,
    /// Nobody wants what comes.
    pub is_deaf: bool,
}

/// The sink as the keyspace holds it.
pub struct Shared(pub Rc<RefCell<Sink>>);

impl PreImages for Shared {
    fn bucket(&mut self, db: usize, items: &[Item<'_>]) {
        let mut sink = self.0.borrow_mut();
        if !sink.is_deaf {
            items.iter().for_each(|item| sink.item(db, item));
        }
    }
}

impl Sink {
    /// An empty one. `buffer`: bytes of a full buffer.
    pub fn new(job: &Arc<SaveJob>, now: i64, buffer: usize) -> Sink {
        Sink {
            encoder: Encoder::new(job),
            now,
            buffer,
            open: Vec::new(),
            db: None,
            full: VecDeque::new(),
            full_bytes: 0,
            big: VecDeque::new(),
            big_weight: 0,
            spare: Vec::new(),
            keys: 0,
            needed: 0,
            fault: None,
            is_deaf: false,
        }
    }

    /// How values become bytes.
    pub fn encoder(&self) -> Encoder {
        self.encoder.clone()
    }

    fn item(&mut self, db: usize, item: &Item<'_>) {
        self.keys += 1;
        let now = self.encoder.time(item, self.now);
        let size = item.big().map_or(0, |bytes| bytes.len()).max(item.object().map_or(0, Object::bytes));
        if size > SMALL {
            let weight = size.min(WEIGHT_MAX);
            self.big_weight += weight;
            let attributes = self.encoder.attributes(item, now);
            return self.big.push_back(Big { db, attributes, key: item.key().to_vec(), value: item.to_value(), weight });
        }
        self.select(db);
        match self.encoder.item(&mut self.open, item, now) {
            Ok(needed) => self.needed = self.needed.max(needed),
            Err(why) => drop(self.fault.get_or_insert(why)),
        }
        if self.open.len() >= self.buffer {
            self.close();
        }
    }

    fn select(&mut self, db: usize) {
        if self.db != Some(db) {
            self.encoder.select(&mut self.open, db);
            self.db = Some(db);
        }
    }

    /// Whatever is open counts as full.
    pub fn close(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let fresh = self.spare.pop().unwrap_or_default();
        let bytes = std::mem::replace(&mut self.open, fresh);
        self.db = None;
        self.push(Chunk { bytes, at: None });
    }

    /// Whole records of `db`, made elsewhere, with the database named first. `selector`: how many bytes name it.
    pub fn records(&mut self, db: usize, bytes: Vec<u8>, selector: usize) {
        if bytes.len() >= self.buffer / 2 {
            return self.push(Chunk { bytes, at: None });
        }
        self.select(db);
        self.open.extend_from_slice(bytes.get(selector..).unwrap_or_default());
        self.recycle(bytes);
        if self.open.len() >= self.buffer {
            self.close();
        }
    }

    /// Bytes that are ready to be written.
    pub fn push(&mut self, chunk: Chunk) {
        self.full_bytes += chunk.bytes.len();
        self.full.push_back(chunk);
    }

    /// The next bytes to be written.
    pub fn pop(&mut self) -> Option<Chunk> {
        let chunk = self.full.pop_front()?;
        self.full_bytes = self.full_bytes.saturating_sub(chunk.bytes.len());
        Some(chunk)
    }

    /// The next big value.
    pub fn pop_big(&mut self) -> Option<Big> {
        let big = self.big.pop_front()?;
        self.big_weight = self.big_weight.saturating_sub(big.weight);
        Some(big)
    }

    /// A buffer that is no longer needed.
    pub fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < SPARES && buffer.capacity() <= 2 * self.buffer {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// An empty buffer.
    pub fn take_spare(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Bytes in full buffers.
    pub fn full_bytes(&self) -> usize {
        self.full_bytes
    }

    /// Bytes that wait here, handles of big values counted by what changing them may cost.
    pub fn waiting(&self) -> usize {
        self.open.len() + self.full_bytes + self.big_weight
    }

    /// Whether big values wait.
    pub fn has_big(&self) -> bool {
        !self.big.is_empty()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.full.is_empty() && self.big.is_empty()
    }

    /// Bytes in the buffer that is not full.
    pub fn open_bytes(&self) -> usize {
        self.open.len()
    }

    /// Forgets everything; what comes is ignored.
    pub fn deafen(&mut self) {
        self.is_deaf = true;
        (self.open, self.db) = (Vec::new(), None);
        self.full.clear();
        self.big.clear();
        (self.full_bytes, self.big_weight) = (0, 0);
    }
}
