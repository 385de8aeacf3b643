//! For tests: some cores, their files in memory, and a disk that answers late, in any order, in parts, or with errors.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::atomic::AtomicU64;

use super::Save;
use crate::base::rng::Rng;
use crate::config::Config;
use crate::data::digest::{Digest, KeySum, of_dataset, of_object_key, of_string_key};
use crate::keyspace::{Value, owner_of, slot_of};
use crate::persist::disk::{Disk, Done, Mode, Op};
use crate::persist::load::Load;
use crate::persist::plan::{Note, Now, Out, Part, Point};
use crate::spec::shard::Server;
use crate::spec::{Shard, Table};

pub const START: i64 = 1_700_000_000_000;

type Contents = Rc<RefCell<Vec<u8>>>;

/// All files, shared by the cores.
#[derive(Default)]
pub struct Files {
    pub names: BTreeMap<Vec<u8>, Contents>,
    /// Operations until one fails, with this errno.
    pub fails: Option<(u32, i32)>,
    /// Writes and reads do a part of what they are asked for.
    pub is_short: bool,
    /// Nothing ends.
    pub is_stuck: bool,
}

/// One core's disk.
pub struct MemDisk {
    files: Rc<RefCell<Files>>,
    open: Vec<Option<Contents>>,
    queue: Vec<(u64, Op)>,
    pub most_in_flight: usize,
}

impl Disk for MemDisk {
    fn submit(&mut self, token: u64, op: Op) {
        self.queue.push((token, op));
        self.most_in_flight = self.most_in_flight.max(self.queue.len());
    }
}

impl MemDisk {
    fn finish(&mut self, rng: &mut Rng) -> Option<Done> {
        if self.queue.is_empty() || self.files.borrow().is_stuck {
            return None;
        }
        let (token, op) = self.queue.swap_remove(rng.next_u64() as usize % self.queue.len());
        let mut files = self.files.borrow_mut();
        if let Some((left, errno)) = &mut files.fails {
            *left = left.saturating_sub(1);
            if *left == 0 && !matches!(op, Op::Remove { .. }) {
                let errno = *errno;
                files.fails = None;
                return Some(Done { token, result: Err(errno), buf: Vec::new() });
            }
        }
        let is_short = files.is_short;
        let cut = |len: usize, rng: &mut Rng| if is_short && len > 1 { 1 + rng.next_u64() as usize % len } else { len };
        let mut back = Vec::new();
        let result = match op {
            Op::Open { path, mode } => match (files.names.get(&path).cloned(), mode) {
                (None, Mode::Read) => Err(2),
                (old, mode) => {
                    let file = old.unwrap_or_default();
                    if mode == Mode::Create {
                        file.borrow_mut().clear();
                    }
                    files.names.insert(path, Rc::clone(&file));
                    self.open.push(Some(file));
                    Ok(self.open.len() as u64 - 1)
                }
            },
            Op::Write { file, at, buf, from } => {
                let mut bytes = self.open[file.0 as usize].as_ref().unwrap().borrow_mut();
                let len = cut(buf.len() - from, rng);
                let at = at as usize;
                if bytes.len() < at + len {
                    bytes.resize(at + len, 0);
                }
                bytes[at..at + len].copy_from_slice(&buf[from..from + len]);
                back = buf;
                Ok(len as u64)
            }
            Op::Read { file, at, len, buf } => {
                let bytes = self.open[file.0 as usize].as_ref().unwrap().borrow();
                let at = (at as usize).min(bytes.len());
                let len = cut(len.min(bytes.len() - at), rng);
                back = buf;
                back.extend_from_slice(&bytes[at..at + len]);
                Ok(len as u64)
            }
            Op::Size { file } => Ok(self.open[file.0 as usize].as_ref().unwrap().borrow().len() as u64),
            Op::Close { file } => {
                self.open[file.0 as usize] = None;
                Ok(0)
            }
            Op::Rename { from, to } => {
                let file = files.names.remove(&from).unwrap();
                files.names.insert(to, file);
                Ok(0)
            }
            Op::Remove { path } => files.names.remove(&path).map(|_| 0).ok_or(2),
            Op::Sync { .. } | Op::SyncDir { .. } | Op::MakeDir { .. } | Op::Truncate { .. } => Ok(0),
        };
        Some(Done { token, result, buf: back })
    }
}

pub struct Core {
    pub shard: Shard,
    pub save: Save,
    pub load: Load,
    pub disk: MemDisk,
    inbox: VecDeque<(usize, Note)>,
}

/// See the file's head.
pub struct World {
    pub cores: Vec<Core>,
    pub files: Rc<RefCell<Files>>,
    pub rng: Rng,
    pub now: Now,
    tickets: u64,
    /// What was said: lines, replies, ends.
    pub says: Vec<String>,
    /// Points wait here until the test lets them happen.
    pub due: VecDeque<Point>,
}

pub fn server() -> &'static Server {
    Box::leak(Box::new(Server {
        run_id: "0".repeat(40),
        pid: 7,
        started_ms: START,
        executable: String::new(),
        config_file: String::new(),
        os: String::new(),
        commands: Table::new(&[], &[]),
        next_client: AtomicU64::new(1),
        next_slow: AtomicU64::new(0),
        clients: AtomicU64::new(0),
        listeners: Vec::new(),
        supervised: "no",
        enter_dir: |dir| Ok(dir.to_vec()),
        sleep: |_| (),
    }))
}

impl World {
    pub fn new(cores: usize, seed: u64, config: &Config, files: Option<Rc<RefCell<Files>>>) -> World {
        let files = files.unwrap_or_default();
        let server = server();
        let core = |core| Core {
            shard: Shard::new(core, cores, config.clone(), server, 99, seed + core as u64),
            save: Save::new(core, cores),
            load: Load::new(core, cores),
            disk: MemDisk { files: Rc::clone(&files), open: Vec::new(), queue: Vec::new(), most_in_flight: 0 },
            inbox: VecDeque::new(),
        };
        World {
            cores: (0..cores).map(core).collect(),
            files: Rc::clone(&files),
            rng: Rng::new(seed),
            now: Now { wall_ms: START, mono_ms: 5000 },
            tickets: 0,
            says: Vec::new(),
            due: VecDeque::new(),
        }
    }

    /// One turn of a core without commands.
    pub fn turn(&mut self, core: usize) {
        let now = self.now;
        let mut out = Vec::new();
        let Core { shard, save, load, disk, inbox } = &mut self.cores[core];
        shard.ks.set_now(now.wall_ms);
        for (from, note) in std::mem::take(inbox) {
            match note {
                Note::Save(note) => save.heard(from, note, shard, &mut out),
                Note::Load(note) => load.heard(from, note, shard, &mut out),
                Note::Log(_) => {}
            }
        }
        while let Some(done) = disk.finish(&mut self.rng) {
            match Part::of(done.token) {
                Some((Part::Save, n)) => save.finished(n, done, shard, disk, &mut out),
                Some((Part::Load, n)) => load.finished(n, done, shard, disk, &mut out),
                other => panic!("{other:?}"),
            }
            if self.rng.next_u64().is_multiple_of(3) {
                break;
            }
        }
        save.pump(now, shard, disk, &mut out);
        load.pump(now, shard, disk, &mut out);
        if core == 0 {
            load.drive(save, now, shard, disk, &mut out);
        }
        self.say(core, out);
    }

    pub fn say(&mut self, core: usize, out: Vec<Out>) {
        for out in out {
            match out {
                Out::Note(to, note) => {
                    assert_ne!(to, core);
                    self.cores[to].inbox.push_back((core, note));
                }
                Out::Point(point) => self.due.push_back(point),
                Out::Reply(ask, reply) => self.says.push(format!("{}: {}", ask.0, String::from_utf8_lossy(&reply).trim_end())),
                Out::Line(_, line) => self.says.push(line),
                Out::Die(why) => self.says.push(format!("died: {why}")),
                Out::End => self.says.push("end".into()),
                Out::WantsPlan => self.says.push("wants plan".into()),
            }
        }
    }

    /// All cores pass the next point.
    pub fn pass(&mut self) -> Option<Point> {
        let point = self.due.pop_front()?;
        self.tickets += 1;
        for core in 0..self.cores.len() {
            let mut out = Vec::new();
            let Core { shard, save, load, .. } = &mut self.cores[core];
            save.at_point(&point, self.tickets, shard, &mut out);
            load.at_point(&point, self.tickets, shard, &mut out);
            self.say(core, out);
        }
        Some(point)
    }

    /// Turns of all cores, points as they come, a millisecond for each round.
    pub fn run(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.now.mono_ms += 1;
            self.now.wall_ms += 1;
            self.pass();
            (0..self.cores.len()).for_each(|core| self.turn(core));
        }
    }

    /// Runs until something was said.
    pub fn run_until(&mut self, said: &str) {
        for _ in 0..20_000 {
            if self.has_said(said) {
                return;
            }
            self.run(1);
        }
        panic!("never said {said}: {:?}", self.says);
    }

    pub fn has_said(&self, said: &str) -> bool {
        self.says.iter().any(|line| line.contains(said))
    }

    /// Calls something on core 0.
    pub fn on_first<R>(&mut self, call: impl FnOnce(&mut Core, Now, &mut Vec<Out>) -> R) -> R {
        let mut out = Vec::new();
        let result = call(&mut self.cores[0], self.now, &mut out);
        self.say(0, out);
        result
    }

    pub fn owner(&mut self, key: &[u8]) -> &mut Shard {
        let cores = self.cores.len();
        &mut self.cores[owner_of(slot_of(key), cores)].shard
    }

    /// The dataset with its expiry times, as DEBUG DIGEST and a list of expiries.
    pub fn digest(&self) -> (String, Vec<(usize, Vec<u8>, i64)>) {
        let databases = self.cores[0].shard.ks.databases();
        let mut sums = vec![KeySum::default(); databases];
        let mut expiries = Vec::new();
        for core in &self.cores {
            for (db, sum) in sums.iter_mut().enumerate() {
                core.shard.ks.for_each(db, &mut |item| {
                    let expires = item.expire_at().is_some();
                    expiries.extend(item.expire_at().map(|at| (db, item.key().to_vec(), at)));
                    let digest: Digest = match item.to_value() {
                        Value::Object(object) => of_object_key(item.key(), &object, expires),
                        Value::Int(n) => of_string_key(item.key(), n.to_string().as_bytes(), expires),
                        Value::Str { bytes, .. } => of_string_key(item.key(), &bytes, expires),
                    };
                    sum.add(&digest);
                });
            }
        }
        expiries.sort();
        let digest = of_dataset(sums.iter().enumerate().map(|(db, sum)| (db as u32, sum)));
        (format!("{digest:?}"), expiries)
    }

    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.files.borrow().names.get(name.as_bytes()).map(|file| file.borrow().clone())
    }
}
