//! Keys as the file has them: records of an RDB file, or commands. What stands before and after them.
//!
//! Layer 4, under `save`; the only file here that knows what the bytes look like.

use std::sync::Arc;

use super::sink::Big;
use crate::data::collection::Object;
use crate::keyspace::{Item, Value};
use crate::persist::aof::annotation;
use crate::persist::aof::rewrite::{self, Lines};
use crate::persist::plan::{Form, Now, Purpose, SaveJob};
use crate::persist::rdb::{self, Head, write};
use crate::spec::Shard;

/// Clocks that look so old were set after the time was read: the greatest age, less a day.
const FROM_THE_FUTURE: u32 = 0x00FF_FFFF - 86_400;

/// How the values of one snapshot become bytes.
#[derive(Clone)]
pub struct Encoder {
    form: Form,
    as_commands: bool,
}

/// What stands before a key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attributes {
    expire_at: Option<i64>,
    idle: Option<u64>,
    freq: Option<u8>,
}

/// One big value on its way.
pub struct Slices {
    encoder: Encoder,
    big: Big,
    body: Body,
}

/// How far it is.
enum Body {
    Record(rdb::Slices),
    Commands(Lines),
}

impl Encoder {
    pub fn new(job: &Arc<SaveJob>) -> Encoder {
        Encoder { form: job.form.clone(), as_commands: job.as_commands }
    }

    /// The time as the item sees it: not before its last use.
    pub fn time(&self, item: &Item<'_>, mut now: i64) -> i64 {
        if self.form.format.recency == rdb::Recency::Idle {
            for _ in 0..10 {
                if item.idle_seconds(now) < FROM_THE_FUTURE {
                    break;
                }
                now += 1000;
            }
        }
        now
    }

    /// What stands before the key of `item`.
    pub fn attributes(&self, item: &Item<'_>, now: i64) -> Attributes {
        let head = Head::of(item, self.form.format.recency, now);
        Attributes { expire_at: head.expire_at, idle: head.idle, freq: head.freq }
    }

    /// Names the database of what follows.
    pub fn select(&self, out: &mut Vec<u8>, db: usize) {
        if self.as_commands {
            return rewrite::put_select(out, db);
        }
        write::put_select_db(out, db);
    }

    /// A whole record. The version that it needs.
    pub fn item(&self, out: &mut Vec<u8>, item: &Item<'_>, now: i64) -> Result<u16, String> {
        if self.as_commands {
            rewrite::put_item(out, item);
            return Ok(0);
        }
        write::put_item(out, &self.form.format, item, now).map_err(|why| why.to_string())
    }

    /// A big value, and the version that it needs.
    pub fn slices(&self, big: Big) -> Result<(Slices, u16), String> {
        let (body, needed) = self.begin(&big)?;
        Ok((Slices { encoder: self.clone(), big, body }, needed))
    }

    fn begin(&self, big: &Big) -> Result<(Body, u16), String> {
        let Attributes { expire_at, idle, freq } = big.attributes;
        if self.as_commands {
            return Ok((Body::Commands(Lines::new(&big.key, big.value.clone(), expire_at)), 0));
        }
        let head = Head { key: &big.key, expire_at, idle, freq };
        let begun = rdb::Slices::new(&self.form.format, &head, big.value.clone());
        begun.map(|(slices, needed)| (Body::Record(slices), needed)).map_err(|why| why.to_string())
    }
}

impl Slices {
    /// Appends about `budget` bytes more; whether the record is complete.
    pub fn step(&mut self, out: &mut Vec<u8>, budget: usize) -> bool {
        match &mut self.body {
            Body::Record(slices) => slices.write(budget, out),
            Body::Commands(lines) => lines.write(budget, out),
        }
    }

    /// From the beginning again.
    pub fn rewind(&mut self) -> Result<(), String> {
        self.body = self.encoder.begin(&self.big)?.0;
        Ok(())
    }

    pub fn db(&self) -> usize {
        self.big.db
    }

    /// Whether it is whole after each step: many commands instead of one record.
    pub fn is_divisible(&self) -> bool {
        matches!((&self.body, &self.big.value), (Body::Commands(_), Value::Object(_)))
    }

    /// The value, for whoever lets it go.
    pub fn into_object(self) -> Option<Object> {
        match self.big.value {
            Value::Object(object) => Some(object),
            Value::Int(_) | Value::Str { .. } => None,
        }
    }
}

/// What stands before and behind all keys.
pub struct Prelude {
    /// Magic, facts, functions; their length is fixed.
    pub bytes: Vec<u8>,
    /// Set when all keys are written.
    pub tail: Vec<u8>,
    /// The bytes changed after they were written.
    pub is_patched: bool,
    form: Form,
    as_commands: bool,
}

impl Prelude {
    pub fn new(job: &SaveJob, now: Now, shard: &Shard) -> Prelude {
        let mut bytes = Vec::new();
        if job.as_commands {
            if shard.config.aof_timestamp_enabled {
                annotation::put_ts(&mut bytes, now.wall_ms.div_euclid(1000));
            }
            shard.persist.functions.iter().for_each(|library| rewrite::put_function(&mut bytes, library));
        } else {
            rdb_prelude(&mut bytes, job, now, shard);
        }
        Prelude { bytes, tail: Vec::new(), is_patched: false, form: job.form.clone(), as_commands: job.as_commands }
    }

    /// The keys need this version.
    pub fn raise_version(&mut self, needed: u16) {
        if self.as_commands {
            return;
        }
        let magic = write::magic(self.form.format.version, needed);
        if let Some(head) = self.bytes.get_mut(..magic.len())
            && head != magic
        {
            head.copy_from_slice(&magic);
            self.is_patched = true;
        }
    }
}

fn rdb_prelude(out: &mut Vec<u8>, job: &SaveJob, now: Now, shard: &Shard) {
    let format = job.form.format;
    out.extend_from_slice(&write::magic(format.version, 0));
    let aux = |out: &mut Vec<u8>, name: &str, value: &str| write::put_aux(out, name.as_bytes(), value.as_bytes());
    let is_valkey = format.version == rdb::Version::Valkey;
    let (product, version) = if is_valkey { ("valkey-ver", VALKEY) } else { ("redis-ver", REDIS) };
    aux(out, product, version);
    aux(out, "redis-bits", "64");
    aux(out, "ctime", &now.wall_ms.div_euclid(1000).to_string());
    let used = shard.process.rss_bytes;
    aux(out, "used-mem", &used.to_string());
    let is_base = matches!(job.purpose, Purpose::Base { .. });
    aux(out, "aof-base", if is_base { "1" } else { "0" });
    for library in &shard.persist.functions {
        write::put_function(out, library, format.compresses);
    }
}

/// Versions that the file says made it: those whose behaviour is kept.
const REDIS: &str = "7.2.0";
const VALKEY: &str = "9.0.0";

/// What ends a file whose bytes so far have the checksum `crc`.
pub fn epilogue(job: &SaveJob, crc: u64) -> Vec<u8> {
    let mut tail = Vec::new();
    if !job.as_commands {
        write::put_end(&mut tail);
        let crc = if job.form.checksum { crate::data::codec::checksum_more(crc, &tail) } else { 0 };
        write::put_checksum(&mut tail, crc);
    }
    tail
}
