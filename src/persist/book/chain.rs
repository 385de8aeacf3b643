//! Steps on the disk, one after the other, until all are done or one fails.
//!
//! Invariants: a file is written, synced and closed before the next step begins; a write that was short goes on; nothing is repeated after an error.

use crate::persist::{
    disk::{Disk, Done, FileId, Mode, Op},
    log::errno,
    plan::Part,
};
use std::collections::VecDeque;

/// One step. Paths are relative to the working directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// One that is there is fine.
    MakeDir(Vec<u8>),
    /// A file with these bytes, on disk.
    Write(Vec<u8>, Vec<u8>),
    Rename(Vec<u8>, Vec<u8>),
    SyncDir(Vec<u8>),
    /// One that is not there is fine.
    Remove(Vec<u8>),
}

impl Step {
    /// What it works on.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        match self {
            Step::MakeDir(path) | Step::SyncDir(path) | Step::Remove(path) | Step::Write(path, _) | Step::Rename(path, _) => path,
        }
    }
}

/// Where a step is.
#[derive(Debug)]
enum Stage {
    Idle,
    /// The step is one operation.
    Single,
    Opening,
    Writing {
        file: FileId,
        from: usize,
    },
    Syncing {
        file: FileId,
    },
    Closing,
}

/// See the file's head.
#[derive(Debug)]
pub struct Chain {
    steps: VecDeque<Step>,
    stage: Stage,
    bytes: Vec<u8>,
    /// Number of the operation under way.
    n: u64,
}

const EXISTS: i32 = 17;
const MISSING: i32 = 2;

impl Chain {
    #[must_use]
    pub fn new() -> Chain {
        Chain { steps: VecDeque::new(), stage: Stage::Idle, bytes: Vec::new(), n: 0 }
    }

    /// Begins; nothing may be under way. At least one step.
    pub fn start(&mut self, steps: Vec<Step>, disk: &mut dyn Disk) {
        self.steps = steps.into();
        self.next(disk);
    }

    /// An operation of `Part::Book` ended. Tells how the whole chain ended: the path that failed, and the errno.
    pub fn finished(&mut self, n: u64, done: Done, disk: &mut dyn Disk) -> Option<Result<(), (Vec<u8>, i32)>> {
        if n != self.n {
            return None;
        }
        let is_remove = matches!(self.steps.front(), Some(Step::Remove(_)));
        let is_make = matches!(self.steps.front(), Some(Step::MakeDir(_)));
        let stage = std::mem::replace(&mut self.stage, Stage::Idle);
        match (stage, done.result) {
            (Stage::Idle, _) => return None,
            (Stage::Single, Err(errno)) if (is_remove && errno == MISSING) || (is_make && errno == EXISTS) => self.step_done(),
            (Stage::Single | Stage::Closing, Ok(_)) => self.step_done(),
            (Stage::Opening, Ok(file)) => self.write(FileId(file as u32), 0, disk),
            (Stage::Writing { file, from }, result) => {
                self.bytes = done.buf;
                match result {
                    Ok(0) if from < self.bytes.len() => return Some(self.failed(errno::NO_SPACE, Some(file), disk)),
                    Ok(count) => self.write(file, from + count as usize, disk),
                    Err(errno) if errno::is_passing(errno) => self.write(file, from, disk),
                    Err(errno) => return Some(self.failed(errno, Some(file), disk)),
                }
            }
            (Stage::Syncing { file }, Ok(_)) => {
                self.stage = Stage::Closing;
                self.submit(Op::Close { file }, disk);
            }
            (Stage::Syncing { file }, Err(errno)) => return Some(self.failed(errno, Some(file), disk)),
            (_, Err(errno)) => return Some(self.failed(errno, None, disk)),
        }
        if matches!(self.stage, Stage::Idle) && !self.next(disk) {
            return Some(Ok(()));
        }
        None
    }

    fn step_done(&mut self) {
        self.steps.pop_front();
    }

    /// Begins the first step, if there is one.
    fn next(&mut self, disk: &mut dyn Disk) -> bool {
        let (stage, op) = match self.steps.front_mut() {
            None => return false,
            Some(Step::MakeDir(path)) => (Stage::Single, Op::MakeDir { path: path.clone() }),
            Some(Step::Rename(from, to)) => (Stage::Single, Op::Rename { from: from.clone(), to: to.clone() }),
            Some(Step::SyncDir(path)) => (Stage::Single, Op::SyncDir { path: path.clone() }),
            Some(Step::Remove(path)) => (Stage::Single, Op::Remove { path: path.clone() }),
            Some(Step::Write(path, bytes)) => {
                self.bytes = std::mem::take(bytes);
                (Stage::Opening, Op::Open { path: path.clone(), mode: Mode::Create })
            }
        };
        self.stage = stage;
        self.submit(op, disk);
        true
    }

    fn write(&mut self, file: FileId, from: usize, disk: &mut dyn Disk) {
        if from >= self.bytes.len() {
            self.stage = Stage::Syncing { file };
            self.submit(Op::Sync { file }, disk);
        } else {
            self.stage = Stage::Writing { file, from };
            let buf = std::mem::take(&mut self.bytes);
            self.submit(Op::Write { file, at: from as u64, buf, from }, disk);
        }
    }

    fn failed(&mut self, errno: i32, open: Option<FileId>, disk: &mut dyn Disk) -> Result<(), (Vec<u8>, i32)> {
        if let Some(file) = open {
            // Nobody waits for this one: its number is passed over.
            self.submit(Op::Close { file }, disk);
            self.n += 1;
        }
        let path = self.steps.pop_front().map(|step| step.path().to_vec()).unwrap_or_default();
        self.steps.clear();
        Err((path, errno))
    }

    fn submit(&mut self, op: Op, disk: &mut dyn Disk) {
        self.n += 1;
        disk.submit(Part::Book.token(self.n), op);
    }
}
