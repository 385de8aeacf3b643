//! Durability's share of a core's loop: ended file operations go in, new ones come out, replies leave when the log has got far enough.

use super::core::Core;
use super::disk::RingDisk;
use super::store::FileStore;
use crate::engine::durable::Due;
use crate::io::kernel::{process, signals};
use crate::persist::aof;
use crate::persist::plan::Now;
use crate::spec::persist::Loading;
use crate::spec::request::LogLevel;
use std::sync::atomic::Ordering;

impl Core {
    /// Lets durability go on after a turn, and carries out what it decides.
    pub fn run_durability(&mut self) {
        if self.worker.persist.is_none() {
            return;
        }
        if !self.files.is_empty() {
            let done = std::mem::take(&mut self.files);
            self.worker.files_done(done.into_iter(), &mut RingDisk(&mut self.reactor));
        }
        if self.worker.shard.persist.loading != Loading::No {
            self.worker.load_turn(self.now.wall_ms());
        }
        let now = Now { wall_ms: self.now.wall_ms(), mono_ms: self.now.mono_ms() };
        self.worker.pump(now, &mut RingDisk(&mut self.reactor));
        for due in std::mem::take(&mut self.worker.durable.due) {
            match due {
                Due::Line(level, line) => self.log.line(level, &line),
                Due::Die(line) => {
                    self.log.line(LogLevel::Warning, &line);
                    self.common.failed.store(true, Ordering::SeqCst);
                    self.stop();
                }
                Due::End => self.stop(),
                Due::Plan => self.look_at_log(),
            }
        }
        if self.core == 0 && signals::is_leaving() && !self.worker.shard.persist.is_ending && self.worker.shard.wishes.is_empty() {
            // What a signal asked for was called off, or failed.
            signals::stay();
        }
        self.settle_gated();
    }

    /// DEBUG LOADAOF: the files are looked at while all clients wait, so this core may wait for the disk.
    fn look_at_log(&mut self) {
        let shard = &self.worker.shard;
        let mut config = shard.config.clone();
        if let Some(dir) = self.worker.persist.as_ref().and_then(|persist| persist.log_dir()) {
            config.appenddirname = dir.to_vec();
        }
        let found = aof::look(&mut FileStore::new(), &config, shard.cores, &process::boot_id());
        match found {
            Ok(found) => {
                if let Some(persist) = &mut self.worker.persist {
                    persist.give_plan(found.plan);
                }
            }
            Err(why) => {
                self.log.line(LogLevel::Warning, &why);
                self.common.failed.store(true, Ordering::SeqCst);
                self.stop();
            }
        }
    }

    /// Output that waited for the log leaves as far as that has got.
    fn settle_gated(&mut self) {
        let acked = self.worker.acked();
        if acked == self.acked || self.gated.is_empty() {
            return;
        }
        self.acked = acked;
        for i in std::mem::take(&mut self.gated) {
            if let Some(conn) = self.worker.conns.get(i) {
                conn.is_gated = false;
                self.settle(i);
            }
        }
    }
}
