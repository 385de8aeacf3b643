//! A value that is longer than a window, built from windows.
//!
//! Layer 4, under `rdb`. Collections whose elements stand one behind the other grow element by element; whatever is one string
//! or one structure is gathered and then decoded. Either way memory follows the bytes that came.

use super::failure::{Cause, Failure};
use super::skim::decode;
use super::walk::{self, Op, Progress, Walk};
use crate::data::codec::growing::Growing;
use crate::data::codec::{Dialect, Fault, Reader, Value};
use crate::data::collection::Limits;

/// What a window brought.
#[derive(Debug)]
pub enum Built {
    /// The value.
    Whole(Value),
    /// It needs so many bytes from [`Build::at`] on.
    Needs(usize),
}

#[derive(Debug)]
enum Way {
    /// Not begun.
    Start,
    /// Element by element, each of these parts.
    Grows(Box<Growing>, &'static [Op]),
    /// Gathered as far as the walk came.
    Gathers(Vec<u8>, Walk),
}

/// A value that is being built.
#[derive(Debug)]
pub struct Build {
    kind: u8,
    dialect: Dialect,
    limits: Limits,
    start: u64,
    at: u64,
    way: Way,
}

impl Build {
    /// Of type `kind`, at file offset `at`.
    #[must_use]
    pub fn new(kind: u8, dialect: Dialect, at: u64, limits: &Limits) -> Build {
        Build { kind, dialect, limits: *limits, start: at, at, way: Way::Start }
    }

    /// File offset of the first byte that was not used.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Takes what a window has; it begins at file offset `base`, at or before [`Build::at`].
    pub fn feed(&mut self, window: &[u8], base: u64) -> Result<Built, Failure> {
        let start = self.start;
        self.step(window, base).map_err(|cause| Failure::new(start, cause))
    }

    fn step(&mut self, window: &[u8], base: u64) -> Result<Built, Cause> {
        let kind = self.kind;
        let bad = |fault| Cause::Value { kind, fault };
        let rest = |at: u64| {
            at.checked_sub(base).and_then(|from| usize::try_from(from).ok()).and_then(|from| window.get(from..)).unwrap_or_default()
        };
        if let Way::Start = self.way {
            match self.begin(rest(self.at)) {
                Ok(way) => self.way = way,
                // A first moment and a count.
                Err(Cause::Value { fault: Fault::Truncated, .. }) => return Ok(Built::Needs(rest(self.at).len() + 17)),
                Err(cause) => return Err(cause),
            }
        }
        match &mut self.way {
            Way::Start => Err(bad(Fault::Truncated)),
            Way::Grows(growing, ops) => {
                while growing.left() > 0 {
                    let mut walk = Walk::new(ops, self.at);
                    let bytes = rest(self.at);
                    let progress = walk.run(window, base).map_err(bad)?;
                    let more = if let Progress::Needs(more) = progress { more } else { 0 };
                    let len = usize::try_from(walk.at() - self.at).unwrap_or(usize::MAX);
                    let Some(element) = bytes.get(..len).filter(|_| more == 0) else {
                        return Ok(Built::Needs(len.saturating_add(more)));
                    };
                    let mut reader = Reader::new(element);
                    growing.element(&mut reader, &self.limits).map_err(bad)?;
                    self.at = walk.at();
                }
                let Way::Grows(growing, _) = std::mem::replace(&mut self.way, Way::Start) else { return Err(bad(Fault::Truncated)) };
                growing.finish().map(|object| Built::Whole(Value::Object(object))).map_err(bad)
            }
            Way::Gathers(bytes, walk) => {
                let progress = walk.run(window, base).map_err(bad)?;
                let fresh = rest(self.at);
                let known = usize::try_from(walk.at() - self.at).unwrap_or(usize::MAX);
                let fresh = fresh.get(..known).unwrap_or(fresh);
                bytes.extend_from_slice(fresh);
                self.at += fresh.len() as u64;
                if self.at < walk.at() {
                    return Ok(Built::Needs(1));
                }
                match progress {
                    Progress::Needs(more) => Ok(Built::Needs(more)),
                    Progress::Done => decode(self.kind, bytes, self.dialect, &self.limits).map(Built::Whole),
                }
            }
        }
    }

    fn begin(&mut self, bytes: &[u8]) -> Result<Way, Cause> {
        let kind = self.kind;
        let bad = |fault| Cause::Value { kind, fault };
        let program = walk::program(kind, self.dialect).ok_or(Cause::UnknownType(kind))?;
        let mut reader = Reader::new(bytes);
        let Some(growing) = Growing::begin(&mut reader, kind, self.dialect, &self.limits) else {
            return Ok(Way::Gathers(Vec::new(), Walk::new(program, self.at)));
        };
        let growing = growing.map_err(bad)?;
        self.at += (bytes.len() - reader.left()) as u64;
        let Some(Op::Each(ops)) = program.last() else { return Err(bad(Fault::UnsupportedType(kind))) };
        Ok(Way::Grows(Box::new(growing), ops))
    }
}
