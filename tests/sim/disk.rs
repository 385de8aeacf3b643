//! A disk for simulated cores: files and names that are pending until they are synced, operations that take effect and end in any
//! order after random steps, and every fault that a real disk shows. One seed decides everything.
//!
//! Promises to whoever uses it: an operation ends once, never inside of `submit`; what was synced (contents by a sync that said OK,
//! names by a sync of their directory) survives every power cut; a mere kill of the process loses nothing that was written. And no more
//! than that: after a power cut an unsynced sector of 512 bytes is new, old, torn, or zeros; unsynced names are there or not; a file may be
//! shorter or longer; a sync that failed has marked clean what it did not write, and the next one says OK.
//!
//! Not here: stale bytes of other files, damage of what is synced, renamed directories.

mod inode;
mod names;
mod tests;

use inode::Inode;
pub use inode::{Damage, SECTOR};
use names::{Names, Node, clean};
use ringfort::base::rng::Rng;
use ringfort::persist::disk::{Disk, Done, FileId, Mode, Op, Store};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Larger files are refused with `EFBIG`: nobody writes one on purpose.
const FILE_MAX: u64 = 1 << 28;

/// What goes wrong, and how often: chances are of 1000.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Most steps until an operation takes effect, and then again until it ends.
    pub delay: u64,
    /// Reads and writes that do less than they were asked to.
    pub short: u64,
    /// Writes that fail; some bytes may have been written all the same.
    pub write_fails: u64,
    pub read_fails: u64,
    /// Syncs of a file that fail and lose what was not written. Only where something is to be written.
    pub sync_fails: u64,
    /// Syncs that take `slow_steps` longer.
    pub slow_sync: u64,
    pub slow_steps: u64,
    /// Operations on names, and opening, that fail.
    pub names_fail: u64,
    /// Bytes that all files together may have.
    pub room: Option<u64>,
    /// Nothing takes effect or ends.
    pub hangs: bool,
}

impl Faults {
    /// A good disk that takes its time.
    pub fn none() -> Faults {
        Faults {
            delay: 4,
            short: 0,
            write_fails: 0,
            read_fails: 0,
            sync_fails: 0,
            slow_sync: 0,
            slow_steps: 0,
            names_fail: 0,
            room: None,
            hangs: false,
        }
    }

    /// A disk that is slow and short but reports no error.
    pub fn slow(rng: &mut Rng) -> Faults {
        Faults {
            delay: 1 + rng.below(30),
            short: [0, 20, 300][rng.below(3) as usize],
            slow_sync: [0, 50, 300][rng.below(3) as usize],
            slow_steps: 1 + rng.below(500),
            ..Faults::none()
        }
    }

    /// A slow disk that also fails.
    pub fn random(rng: &mut Rng) -> Faults {
        let mut chance = || [0, 0, 2, 20][rng.below(4) as usize];
        let (write_fails, read_fails, sync_fails, names_fail) = (chance(), chance(), chance(), chance());
        let room = (rng.below(4) == 0).then(|| 1000 + rng.below(200_000));
        Faults { write_fails, read_fails, sync_fails, names_fail, room, ..Faults::slow(rng) }
    }
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counters {
    pub submitted: u64,
    /// Ends that were handed to a core.
    pub ended: u64,
    pub short_writes: u64,
    pub short_reads: u64,
    pub failed_writes: u64,
    pub failed_reads: u64,
    /// Operations that found no room.
    pub full: u64,
    pub failed_syncs: u64,
    /// Syncs of a file that a core began after it had been told that a sync of it failed. Whoever trusts one is wrong.
    pub syncs_after_failure: u64,
    /// The same of writes.
    pub writes_after_failure: u64,
    /// Operations on a file that was not open.
    pub bad_files: u64,
    pub kills: u64,
    pub power_cuts: u64,
    /// Unsynced changes of names that a power cut left, and that it took.
    pub names_kept: u64,
    pub names_lost: u64,
    pub damage: Damage,
}

struct Open {
    file: u64,
    is_readonly: bool,
    /// The number is dead but not free.
    is_closed: bool,
    /// A sync through another descriptor failed; this one is told once too.
    owes_error: bool,
}

struct Flight {
    core: usize,
    token: u64,
    op: Op,
    /// The open file, by place and file; `None` if it was not open.
    file: Option<(usize, u64)>,
    acts_at: u64,
    ends_at: u64,
    /// What it came to, once it has taken effect.
    outcome: Option<Result<u64, i32>>,
}

impl Flight {
    /// A close lets go what was begun before it on the same file.
    fn waits_for(&self, others: &[Flight]) -> bool {
        let is_open = |f: &Flight| f.outcome.is_none() && f.core == self.core && f.file == self.file;
        self.file.is_some() && self.is_close() && others.iter().any(|f| is_open(f) && !f.is_close())
    }

    fn is_close(&self) -> bool {
        matches!(self.op, Op::Close { .. })
    }
}

struct World {
    rng: Rng,
    faults: Faults,
    clock: u64,
    names: Names,
    files: BTreeMap<u64, Inode>,
    next_file: u64,
    open: Vec<Vec<Option<Open>>>,
    flights: Vec<Flight>,
    /// Ends that a core has not fetched, and the file if it is a failed sync.
    ended: Vec<Vec<(Done, Option<u64>)>>,
    /// Files of which a core knows that a sync failed.
    known_dead: BTreeSet<(usize, u64)>,
    /// Files may have become unreachable.
    has_litter: bool,
    /// Files whose next sync fails.
    fated: BTreeSet<u64>,
    /// Steps of `Store` until the process dies.
    life: Option<u64>,
    counters: Counters,
}

/// One core's view of the disk that all of them share; cheap to clone.
#[derive(Clone)]
pub struct SimDisk {
    world: Rc<RefCell<World>>,
    core: usize,
}

impl SimDisk {
    /// An empty disk as core 0 sees it.
    pub fn new(seed: u64, cores: usize, faults: Faults) -> SimDisk {
        let world = World {
            rng: Rng::new(seed),
            faults,
            clock: 0,
            names: Names::default(),
            files: BTreeMap::new(),
            next_file: 1,
            open: (0..cores).map(|_| Vec::new()).collect(),
            flights: Vec::new(),
            ended: (0..cores).map(|_| Vec::new()).collect(),
            known_dead: BTreeSet::new(),
            has_litter: false,
            fated: BTreeSet::new(),
            life: None,
            counters: Counters::default(),
        };
        SimDisk { world: Rc::new(RefCell::new(world)), core: 0 }
    }

    /// The same disk as another core sees it.
    pub fn core(&self, core: usize) -> SimDisk {
        SimDisk { world: self.world.clone(), core }
    }

    /// One step of time: what is due takes effect, what is due ends.
    pub fn step(&self) {
        self.world.borrow_mut().step();
    }

    /// Steps until nothing is in flight. Never returns if the disk hangs.
    pub fn settle(&self) {
        while self.in_flight() > 0 {
            assert!(!self.world.borrow().faults.hangs, "nothing ends on a disk that hangs");
            self.step();
        }
    }

    /// Operations of all cores that have not ended.
    pub fn in_flight(&self) -> usize {
        self.world.borrow().flights.len()
    }

    /// Whether this core has ends to fetch.
    pub fn has_ended(&self) -> bool {
        !self.world.borrow().ended[self.core].is_empty()
    }

    /// The ends of this core's operations since the last call, in the order in which they came.
    pub fn ended(&self) -> Vec<Done> {
        let mut guard = self.world.borrow_mut();
        let world = &mut *guard;
        let ended = std::mem::take(&mut world.ended[self.core]);
        world.counters.ended += ended.len() as u64;
        let core = self.core;
        world.known_dead.extend(ended.iter().filter_map(|(_, dead)| dead.map(|file| (core, file))));
        ended.into_iter().map(|(done, _)| done).collect()
    }

    /// The process is killed: files stay as they were written, operations in flight have happened, or not, or partly.
    pub fn crash(&mut self) {
        let mut world = self.world.borrow_mut();
        world.counters.kills += 1;
        world.stop();
        let World { files, rng, .. } = &mut *world;
        files.values_mut().for_each(|file| file.evict(rng));
    }

    /// The power goes: see the file's head for what is left.
    pub fn power_cut(&mut self, rng: &mut Rng) {
        let mut guard = self.world.borrow_mut();
        let world = &mut *guard;
        world.stop();
        world.counters.power_cuts += 1;
        let (kept, lost) = world.names.power_cut(rng);
        world.counters.names_kept += kept;
        world.counters.names_lost += lost;
        let damage = &mut world.counters.damage;
        world.files.values_mut().filter(|file| !file.is_clean() || file.data != file.disk).for_each(|file| file.power_cut(rng, damage));
        world.fated.clear();
        world.forget_files();
    }

    /// Number of power cuts so far: another number, another boot.
    pub fn boot(&self) -> u64 {
        self.world.borrow().counters.power_cuts
    }

    pub fn counters(&self) -> Counters {
        self.world.borrow().counters
    }

    pub fn change_faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.world.borrow_mut().faults);
    }

    /// The next sync of a file fails if there is anything to write.
    pub fn fail_next_sync(&self, path: &[u8]) {
        let mut world = self.world.borrow_mut();
        let Some(Node::File(file)) = world.names.get(&clean(path)) else { panic!("no such file") };
        world.fated.insert(file);
    }

    /// After so many more steps of `Store` all calls of it fail with `EIO` and do nothing, until the process is killed or the power goes:
    /// a start-up that dies half-way.
    pub fn die_in(&self, steps: u64) {
        self.world.borrow_mut().life = Some(steps);
    }

    /// A file that is durable from the beginning; its directories are made.
    pub fn put(&self, path: &[u8], bytes: &[u8]) {
        let mut world = self.world.borrow_mut();
        let (path, file) = (clean(path), world.next_file);
        for (at, _) in path.iter().enumerate().filter(|(_, b)| **b == b'/') {
            world.names.put(&path[..at], Node::Dir);
        }
        world.next_file += 1;
        world.files.insert(file, Inode::durable(bytes));
        world.names.put(&path, Node::File(file));
    }

    /// What a process reads; `None` if there is no such file.
    pub fn contents(&self, path: &[u8]) -> Option<Vec<u8>> {
        let world = self.world.borrow();
        match world.names.get(&clean(path))? {
            Node::File(file) => Some(world.files[&file].data.clone()),
            Node::Dir => None,
        }
    }

    /// How a file begins after any power cut; `None` if its name may be gone or mean another file.
    pub fn promised(&self, path: &[u8]) -> Option<Vec<u8>> {
        let world = self.world.borrow();
        let path = clean(path);
        match world.names.get(&path).filter(|_| world.names.is_promised(&path))? {
            Node::File(file) => Some(world.files[&file].promised().to_vec()),
            Node::Dir => None,
        }
    }
}

impl Disk for SimDisk {
    fn submit(&mut self, token: u64, op: Op) {
        self.world.borrow_mut().submit(self.core, token, op);
    }
}

impl World {
    fn chance(&mut self, of_1000: u64) -> bool {
        self.rng.below(1000) < of_1000
    }

    fn submit(&mut self, core: usize, token: u64, op: Op) {
        self.counters.submitted += 1;
        let id = match &op {
            Op::Read { file, .. } | Op::Write { file, .. } | Op::Sync { file } => Some(*file),
            Op::Truncate { file, .. } | Op::Size { file } | Op::Close { file } => Some(*file),
            _ => None,
        };
        let place = id.map(|FileId(place)| place as usize);
        let open = place.and_then(|place| self.open[core].get_mut(place)?.as_mut()).filter(|open| !open.is_closed);
        let file = open.map(|open| {
            // The number is dead from here on; what was begun before still has its file.
            open.is_closed = matches!(op, Op::Close { .. });
            (place.unwrap_or_default(), open.file)
        });
        self.counters.bad_files += u64::from(id.is_some() && file.is_none());
        if file.is_some_and(|(_, file)| self.known_dead.contains(&(core, file))) {
            self.counters.syncs_after_failure += u64::from(matches!(op, Op::Sync { .. }));
            self.counters.writes_after_failure += u64::from(matches!(op, Op::Write { .. }));
        }
        let (delay, slow) = (self.faults.delay.max(1), self.faults.slow_sync);
        let is_sync = matches!(op, Op::Sync { .. } | Op::SyncDir { .. });
        let extra = if is_sync && self.chance(slow) { self.faults.slow_steps } else { 0 };
        let acts_at = self.clock + 1 + self.rng.below(delay) + self.rng.below(extra + 1);
        let ends_at = acts_at + self.rng.below(delay) + extra;
        self.flights.push(Flight { core, token, op, file, acts_at, ends_at, outcome: None });
    }

    fn step(&mut self) {
        if self.faults.hangs {
            return;
        }
        self.clock += 1;
        let mut flights = std::mem::take(&mut self.flights);
        self.shuffle(&mut flights);
        for i in 0..flights.len() {
            if flights[i].outcome.is_none() && flights[i].acts_at <= self.clock && !flights[i].waits_for(&flights) {
                let outcome = self.act(&mut flights[i]);
                flights[i].outcome = Some(outcome);
            }
        }
        let (ended, left): (Vec<_>, Vec<_>) = flights.into_iter().partition(|f| f.outcome.is_some() && f.ends_at <= self.clock);
        self.flights = left;
        for flight in ended {
            let result = flight.outcome.unwrap_or(Err(libc::EIO));
            let dead = flight.file.filter(|_| matches!(flight.op, Op::Sync { .. }) && result.is_err()).map(|(_, file)| file);
            let buf = match flight.op {
                Op::Read { buf, .. } | Op::Write { buf, .. } => buf,
                _ => Vec::new(),
            };
            self.ended[flight.core].push((Done { token: flight.token, result, buf }, dead));
        }
        if std::mem::take(&mut self.has_litter) {
            self.forget_files();
        }
    }

    fn shuffle(&mut self, flights: &mut [Flight]) {
        for i in (1..flights.len()).rev() {
            flights.swap(i, self.rng.below(i as u64 + 1) as usize);
        }
    }

    /// The process stops: operations that had not taken effect do so, or not; a write may have come half-way.
    fn stop(&mut self) {
        let mut flights = std::mem::take(&mut self.flights);
        self.shuffle(&mut flights);
        for mut flight in flights {
            if flight.outcome.is_some() || self.rng.below(2) == 0 {
                continue;
            }
            if let Op::Write { buf, from, .. } = &mut flight.op {
                let rest = buf.len().saturating_sub(*from) as u64;
                buf.truncate(*from + self.rng.below(rest + 1) as usize);
            }
            let _ = self.act(&mut flight);
        }
        self.open.iter_mut().for_each(Vec::clear);
        self.ended.iter_mut().for_each(Vec::clear);
        self.known_dead.clear();
        self.life = None;
        self.forget_files();
    }

    /// Files that nobody can reach any more are no more.
    fn forget_files(&mut self) {
        let mut used = self.names.reachable();
        used.extend(self.open.iter().flatten().flatten().map(|open| open.file));
        used.extend(self.flights.iter().filter_map(|flight| flight.file.map(|(_, file)| file)));
        self.files.retain(|file, _| used.contains(file));
    }

    /// Bytes that are left.
    fn free(&self) -> u64 {
        let Some(room) = self.faults.room else { return u64::MAX };
        let mut held = self.names.visible();
        held.extend(self.open.iter().flatten().flatten().map(|open| open.file));
        let used = self.files.iter().filter(|(file, _)| held.contains(file)).map(|(_, file)| file.data.len() as u64);
        room.saturating_sub(used.sum())
    }

    /// Carries an operation out, at one instant.
    fn act(&mut self, flight: &mut Flight) -> Result<u64, i32> {
        let (core, file) = (flight.core, flight.file);
        let opened = file.ok_or(libc::EBADF);
        match &mut flight.op {
            Op::Open { path, mode } => self.open_file(core, path, *mode),
            Op::Read { at, len, buf, .. } => self.read(opened?.1, *at, *len, buf),
            Op::Write { at, buf, from, .. } => {
                let (place, file) = opened?;
                let bytes = buf.get(*from..).ok_or(libc::EINVAL)?;
                if self.is_readonly(core, place) { Err(libc::EBADF) } else { self.write(file, *at, bytes) }
            }
            Op::Sync { .. } => {
                let (place, file) = opened?;
                self.sync(Some((core, place)), file)
            }
            Op::Truncate { len, .. } => {
                let (place, file) = opened?;
                if self.is_readonly(core, place) { Err(libc::EINVAL) } else { self.truncate(file, *len) }
            }
            Op::Size { .. } => Ok(self.files[&opened?.1].data.len() as u64),
            Op::Close { .. } => {
                self.open[core][opened?.0] = None;
                self.has_litter = true;
                Ok(0)
            }
            Op::Rename { from, to } => self.rename(from, to),
            Op::Remove { path } => self.remove(path),
            Op::MakeDir { path } => self.make_dir(path),
            Op::SyncDir { path } => self.sync_dir(path),
        }
    }

    fn is_readonly(&self, core: usize, place: usize) -> bool {
        self.open[core].get(place).and_then(Option::as_ref).is_some_and(|open| open.is_readonly)
    }

    fn may_fail(&mut self) -> Result<(), i32> {
        if self.chance(self.faults.names_fail) { Err(libc::EIO) } else { Ok(()) }
    }

    /// A new name on a full disk needs room too, now and then.
    fn may_grow(&mut self) -> Result<(), i32> {
        if self.free() == 0 && self.rng.below(2) == 0 {
            self.counters.full += 1;
            return Err(libc::ENOSPC);
        }
        Ok(())
    }

    fn open_file(&mut self, core: usize, path: &[u8], mode: Mode) -> Result<u64, i32> {
        self.may_fail()?;
        let file = self.look_up(path, mode)?;
        let open = Open { file, is_readonly: mode == Mode::Read, is_closed: false, owes_error: false };
        let table = &mut self.open[core];
        let place = table.iter().position(Option::is_none).unwrap_or(table.len());
        if place == table.len() {
            table.push(None);
        }
        table[place] = Some(open);
        Ok(place as u64)
    }

    fn look_up(&mut self, path: &[u8], mode: Mode) -> Result<u64, i32> {
        let path = clean(path);
        self.names.check_parent(&path)?;
        match self.names.get(&path) {
            Some(Node::Dir) => Err(libc::EISDIR),
            Some(Node::File(file)) => {
                if mode == Mode::Create {
                    self.inode(file).truncate(0);
                }
                Ok(file)
            }
            None if mode == Mode::Read => Err(libc::ENOENT),
            None => {
                self.may_grow()?;
                let file = self.next_file;
                self.next_file += 1;
                self.files.insert(file, Inode::default());
                self.names.link(path, Node::File(file));
                Ok(file)
            }
        }
    }

    fn inode(&mut self, file: u64) -> &mut Inode {
        self.files.get_mut(&file).expect("files are kept while they can be reached")
    }

    fn read(&mut self, file: u64, at: u64, len: usize, to: &mut Vec<u8>) -> Result<u64, i32> {
        if self.chance(self.faults.read_fails) {
            self.counters.failed_reads += 1;
            return Err(libc::EIO);
        }
        let size = self.files[&file].data.len();
        let start = usize::try_from(at).unwrap_or(usize::MAX).min(size);
        let mut count = len.min(size - start);
        if count > 1 && self.chance(self.faults.short) {
            count = 1 + self.rng.below(count as u64 - 1) as usize;
            self.counters.short_reads += 1;
        }
        to.extend_from_slice(&self.files[&file].data[start..start + count]);
        Ok(count as u64)
    }

    fn write(&mut self, file: u64, at: u64, bytes: &[u8]) -> Result<u64, i32> {
        if at > FILE_MAX || bytes.is_empty() {
            return if bytes.is_empty() { Ok(0) } else { Err(libc::EFBIG) };
        }
        let at = at as usize;
        let has_failed = self.chance(self.faults.write_fails);
        let mut count = bytes.len();
        if has_failed {
            count = self.rng.below(count as u64) as usize;
        } else if count > 1 && self.chance(self.faults.short) {
            count = 1 + self.rng.below(count as u64 - 1) as usize;
        }
        let end = (self.files[&file].data.len() as u64).saturating_add(self.free());
        if (at + count) as u64 > end {
            self.counters.full += 1;
            count = end.saturating_sub(at as u64) as usize;
            if count == 0 {
                return Err(libc::ENOSPC);
            }
        }
        if count > 0 {
            self.inode(file).write(at, &bytes[..count]);
        }
        if has_failed {
            self.counters.failed_writes += 1;
            return Err(libc::EIO);
        }
        self.counters.short_writes += u64::from(count < bytes.len());
        Ok(count as u64)
    }

    /// `by`: the open file it goes through, if any.
    fn sync(&mut self, by: Option<(usize, usize)>, file: u64) -> Result<u64, i32> {
        let is_clean = self.files[&file].is_clean();
        let fails = self.chance(self.faults.sync_fails) || self.fated.contains(&file);
        let mut opens: Vec<(bool, &mut Open)> = Vec::new();
        for (core, table) in self.open.iter_mut().enumerate() {
            let of_file = table.iter_mut().enumerate().filter_map(|(place, open)| Some((by == Some((core, place)), open.as_mut()?)));
            opens.extend(of_file.filter(|(_, open)| open.file == file));
        }
        if fails && !is_clean {
            opens.iter_mut().for_each(|(is_own, open)| open.owes_error = !*is_own);
            self.fated.remove(&file);
            self.counters.failed_syncs += 1;
            let World { files, rng, .. } = self;
            files.get_mut(&file).expect("it was found above").fail_sync(rng);
            return Err(libc::EIO);
        }
        let owed = opens.iter_mut().find(|(is_own, _)| *is_own).is_some_and(|(_, open)| std::mem::take(&mut open.owes_error));
        self.inode(file).sync();
        if owed { Err(libc::EIO) } else { Ok(0) }
    }

    fn truncate(&mut self, file: u64, len: u64) -> Result<u64, i32> {
        let size = self.files[&file].data.len() as u64;
        if len > FILE_MAX {
            return Err(libc::EFBIG);
        }
        if len > size.saturating_add(self.free()) {
            self.counters.full += 1;
            return Err(libc::ENOSPC);
        }
        self.inode(file).truncate(len as usize);
        Ok(0)
    }

    fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<u64, i32> {
        self.may_fail()?;
        let (from, to) = (clean(from), clean(to));
        self.names.check_parent(&from)?;
        self.names.check_parent(&to)?;
        let node = self.names.get(&from).ok_or(libc::ENOENT)?;
        assert!(node != Node::Dir, "directories are not renamed here");
        match self.names.get(&to) {
            Some(Node::Dir) => return Err(libc::EISDIR),
            Some(there) if there == node => return Ok(0),
            _ => {}
        }
        self.names.rename(from, to, node);
        Ok(0)
    }

    fn remove(&mut self, path: &[u8]) -> Result<u64, i32> {
        self.may_fail()?;
        let path = clean(path);
        self.names.check_parent(&path)?;
        match self.names.get(&path).ok_or(libc::ENOENT)? {
            Node::Dir => Err(libc::EISDIR),
            Node::File(_) => {
                self.names.unlink(path);
                Ok(0)
            }
        }
    }

    fn make_dir(&mut self, path: &[u8]) -> Result<u64, i32> {
        self.may_fail()?;
        let path = clean(path);
        self.names.check_parent(&path)?;
        if self.names.get(&path).is_some() {
            return Err(libc::EEXIST);
        }
        self.may_grow()?;
        self.names.link(path, Node::Dir);
        Ok(0)
    }

    fn sync_dir(&mut self, path: &[u8]) -> Result<u64, i32> {
        self.may_fail()?;
        let path = clean(path);
        match self.names.get(&path).ok_or(libc::ENOENT)? {
            Node::File(_) => Err(libc::ENOTDIR),
            Node::Dir => {
                self.names.sync(&path);
                self.has_litter = true;
                Ok(0)
            }
        }
    }

    /// One step of `Store`, if the process lives.
    fn live(&mut self) -> Result<(), i32> {
        match &mut self.life {
            Some(0) => Err(libc::EIO),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The file of a name that must be there.
    fn found(&mut self, path: &[u8]) -> Result<u64, i32> {
        self.live()?;
        self.look_up(path, Mode::Read)
    }

    fn sync_names_of(&mut self, path: &[u8]) -> Result<(), i32> {
        self.live()?;
        let path = clean(path);
        self.sync_dir(names::parent(&path)).map(drop)
    }
}

impl Store for SimDisk {
    fn size(&mut self, path: &[u8]) -> Result<Option<u64>, i32> {
        let mut world = self.world.borrow_mut();
        world.live()?;
        match world.names.get(&clean(path)) {
            Some(Node::File(file)) => Ok(Some(world.files[&file].data.len() as u64)),
            Some(Node::Dir) => Ok(Some(4096)),
            None => Ok(None),
        }
    }

    fn read(&mut self, path: &[u8], at: u64, buf: &mut [u8]) -> Result<usize, i32> {
        let mut world = self.world.borrow_mut();
        let file = world.found(path)?;
        let mut bytes = Vec::new();
        world.read(file, at, buf.len(), &mut bytes)?;
        buf[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn replace(&mut self, path: &[u8], temporary: &[u8], bytes: &[u8]) -> Result<(), i32> {
        let mut world = self.world.borrow_mut();
        world.live()?;
        let file = world.look_up(temporary, Mode::Create)?;
        let mut at = 0;
        while at < bytes.len() {
            world.live()?;
            at += world.write(file, at as u64, &bytes[at..])? as usize;
        }
        world.live()?;
        world.sync(None, file)?;
        world.live()?;
        world.rename(temporary, path)?;
        world.sync_names_of(path)
    }

    fn truncate(&mut self, path: &[u8], len: u64) -> Result<(), i32> {
        let mut world = self.world.borrow_mut();
        let file = world.found(path)?;
        world.truncate(file, len)?;
        world.live()?;
        world.sync(None, file).map(drop)
    }

    fn write_again(&mut self, path: &[u8], from: u64, to: u64) -> Result<(), i32> {
        let mut world = self.world.borrow_mut();
        let file = world.found(path)?;
        let mut bytes = Vec::new();
        while from + (bytes.len() as u64) < to {
            let (at, left) = (from + bytes.len() as u64, to - from - bytes.len() as u64);
            if world.read(file, at, left as usize, &mut bytes)? == 0 {
                return Err(libc::EIO);
            }
        }
        let mut written = 0;
        while written < bytes.len() {
            world.live()?;
            written += world.write(file, from + written as u64, &bytes[written..])? as usize;
        }
        world.live()?;
        world.sync(None, file).map(drop)
    }

    fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), i32> {
        let mut world = self.world.borrow_mut();
        world.live()?;
        world.rename(from, to)?;
        world.sync_names_of(to)?;
        world.sync_names_of(from)
    }

    fn remove(&mut self, path: &[u8]) -> Result<(), i32> {
        let mut world = self.world.borrow_mut();
        world.live()?;
        match world.remove(path) {
            Err(errno) if errno != libc::ENOENT => Err(errno),
            _ => Ok(()),
        }
    }

    fn make_dir(&mut self, path: &[u8]) -> Result<(), i32> {
        let mut world = self.world.borrow_mut();
        world.live()?;
        match world.make_dir(path) {
            Ok(_) => world.sync_names_of(path),
            Err(libc::EEXIST) if world.names.get(&clean(path)) == Some(Node::Dir) => Ok(()),
            Err(libc::EEXIST) => Err(libc::ENOTDIR),
            Err(errno) => Err(errno),
        }
    }

    fn list(&mut self, path: &[u8]) -> Result<Vec<Vec<u8>>, i32> {
        let mut world = self.world.borrow_mut();
        world.live()?;
        match world.names.get(&clean(path)) {
            Some(Node::Dir) => Ok(world.names.list(&clean(path))),
            Some(Node::File(_)) => Err(libc::ENOTDIR),
            None => Ok(Vec::new()),
        }
    }
}
