//! What is loaded at start, and what of the log is cut off before: everything is decided first, then cuts are made durable, then the plan
//! is handed out. A refusal leaves all files as they were.
//!
//! With `appendonly no` it is the snapshot. Otherwise what the manifest lists: the base, then incremental files in order, those of
//! one generation of ours at the same time. Only the end of the log may be damaged: the last file, or the files of the last generation if it
//! is ours ([`super::own`]). Everything before must be whole. A log of the time before manifests is taken over first.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence; behaviour and texts of 7.2

use super::annotation::{Annotation, LINE_MAX, Owner};
use super::manifest::{self, FileKind, Listed, Manifest};
use super::own::{self, Log, Rules, bad_format, errno_text, read_error, unexpected_end};
use super::plan::{LoadFile, LoadKind, LoadPlan};
use super::read::Fault;
use super::survey::{Survey, is_snapshot, scan, survey};
use crate::config::Config;
use crate::persist::disk::Store;
use crate::spec::request::LogLevel;

/// Longest manifest that is read, bytes.
const MANIFEST_MAX: u64 = 64 << 20;
/// Bytes that are written to disk again before it is told.
const TOLD_BYTES: u64 = 64 << 20;
/// What the end of a snapshot takes: the opcode and the checksum.
const SNAPSHOT_END: u64 = 9;

/// One core's file that is written on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Append {
    /// Relative to `dir`.
    pub path: Vec<u8>,
    /// Its length after the cut. The database selected last is not known: the first command comes after a SELECT.
    pub len: u64,
}

/// What start-up found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recovered {
    pub plan: LoadPlan,
    /// As it is on disk, history left out where its files were removed.
    pub manifest: Manifest,
    /// Numbers that no file has, and all greater ones.
    pub next_base: i64,
    pub next_incr: i64,
    /// The greatest generation seen, 0 if none.
    pub generation: u64,
    /// By core: the files of that generation, if they can be written on. `None`: begin a new one.
    pub append: Option<Vec<Append>>,
    /// Bytes of the base, and of all files that are loaded.
    pub base_bytes: u64,
    pub log_bytes: u64,
    /// What the log of the server is to say.
    pub report: Vec<(LogLevel, String)>,
}

/// Decides what to load. `cores`: how many there will be. `boot`: names this boot of the machine.
/// The error is for the log of the server, which does not start.
pub fn recover(store: &mut dyn Store, config: &Config, cores: usize, boot: &str) -> Result<Recovered, String> {
    let mut recovery = Recovery { store, config, out: Recovered::default(), unsure: Vec::new(), only_looks: false };
    recovery.read_manifest()?;
    if !config.appendonly {
        recovery.plan_snapshot()?;
        recovery.take_numbers()?;
        return Ok(recovery.out);
    }
    recovery.upgrade()?;
    recovery.plan_log(cores, boot)?;
    recovery.clean_up()?;
    recovery.take_numbers()?;
    Ok(recovery.out)
}

/// What there would be to load now, while the process that writes the files runs on: nothing is changed. Everything that is to be seen was
/// written out before.
pub fn look(store: &mut dyn Store, config: &Config, cores: usize, boot: &str) -> Result<Recovered, String> {
    let mut recovery = Recovery { store, config, out: Recovered::default(), unsure: Vec::new(), only_looks: true };
    recovery.read_manifest()?;
    recovery.plan_log(cores, boot)?;
    Ok(recovery.out)
}

/// A listed incremental file (or the commands behind a snapshot) that was looked through.
struct Seen {
    name: Vec<u8>,
    path: Vec<u8>,
    start: u64,
    survey: Survey,
    is_base: bool,
}

impl Seen {
    /// Up to `end`; `gone`: whole commands behind that. In two parts, one after the other, if another server wrote on.
    fn load(&self, (end, gone): (u64, u64)) -> (LoadFile, Option<LoadFile>) {
        let core = self.survey.rf().and_then(|rf| match rf.owner {
            Owner::Core(core) => Some((core, rf.cores)),
            Owner::All => None,
        });
        let commands = self.survey.found.commands.saturating_sub(gone);
        let part = |start: u64, end: u64, commands: u64, core| {
            let inside = self.survey.skips.iter().filter(|(at, len)| *at < end && at + len > start);
            let skips = inside.map(|(at, len)| ((*at).max(start), (at + len).min(end) - (*at).max(start))).collect();
            LoadFile { path: self.path.clone(), kind: LoadKind::Commands, start, end, skips, commands, is_base: self.is_base, core }
        };
        match self.survey.foreign.filter(|(at, _)| *at < end) {
            Some((at, before)) => (part(self.start, at, before, core), Some(part(at, end, commands.saturating_sub(before), None))),
            None => (part(self.start, end, commands, core), None),
        }
    }

    /// Generation and owner, if it is ours.
    fn place(&self) -> Option<(u64, Owner)> {
        self.survey.rf().map(|rf| (rf.generation, rf.owner))
    }
}

struct Recovery<'a> {
    store: &'a mut dyn Store,
    config: &'a Config,
    out: Recovered,
    /// Path, and from where on no sync is known to have covered the file.
    unsure: Vec<(Vec<u8>, u64)>,
    only_looks: bool,
}

impl Recovery<'_> {
    fn say(&mut self, level: LogLevel, text: String) {
        self.out.report.push((level, text));
    }

    fn path(&self, name: &[u8]) -> Vec<u8> {
        manifest::path_in(&self.config.appenddirname, name)
    }

    fn read_manifest(&mut self) -> Result<(), String> {
        let path = self.path(&manifest::manifest_name(&self.config.appendfilename));
        let shown = String::from_utf8_lossy(&path).into_owned();
        let fatal = |e| format!("Fatal error: can't open the AOF manifest file {shown} for reading: {}", errno_text(e));
        let Some(size) = self.store.size(&path).map_err(fatal)? else { return Ok(()) };
        if size > MANIFEST_MAX {
            return Err(format!("Fatal error: the AOF manifest file {shown} has {size} bytes, which no manifest has"));
        }
        let mut bytes = vec![0; size as usize];
        let mut at = 0;
        while at < bytes.len() {
            match self.store.read(&path, at as u64, bytes.get_mut(at..).unwrap_or_default()).map_err(fatal)? {
                0 => break,
                n => at += n,
            }
        }
        bytes.truncate(at);
        self.out.manifest = Manifest::parse(&bytes)?;
        Ok(())
    }

    fn plan_snapshot(&mut self) -> Result<(), String> {
        let path = self.config.dbfilename.clone();
        let fatal = |e| format!("Fatal error loading the DB, check server logs. {}: {}", String::from_utf8_lossy(&path), errno_text(e));
        let Some(size) = self.store.size(&path).map_err(fatal)? else { return Ok(()) };
        self.out.plan.stages.push(vec![snapshot(path, size, false)]);
        Ok(())
    }

    /// A log of the time before manifests lies in `dir`: it becomes the base.
    fn upgrade(&mut self) -> Result<(), String> {
        let (old, dir) = (self.config.appendfilename.clone(), self.config.appenddirname.clone());
        let (name, folder) = (String::from_utf8_lossy(&old).into_owned(), String::from_utf8_lossy(&dir).into_owned());
        let fatal = |e| format!("Error trying to move the old AOF file {name} into dir {folder}: {}", errno_text(e));
        let inside = self.path(&old);
        let is_unfinished = match &self.out.manifest.base {
            Some(base) if self.out.manifest.incrs.is_empty() => base.name == old && self.store.size(&inside).map_err(fatal)?.is_none(),
            Some(_) => false,
            None => self.out.manifest.incrs.is_empty(),
        };
        if !is_unfinished || self.store.size(&old).map_err(fatal)?.is_none() {
            return Ok(());
        }
        self.store.make_dir(&dir).map_err(|e| format!("Can't open or create append-only dir {folder}: {}", errno_text(e)))?;
        self.out.manifest = Manifest { base: Some(Listed { name: old.clone(), seq: 1 }), ..Manifest::default() };
        self.write_manifest()?;
        self.store.rename(&old, &inside).map_err(fatal)?;
        self.say(LogLevel::Notice, format!("Successfully migrated an old-style AOF file ({name}) into the AOF directory ({folder})."));
        Ok(())
    }

    fn write_manifest(&mut self) -> Result<(), String> {
        let path = self.path(&manifest::manifest_name(&self.config.appendfilename));
        let temporary = self.path(&manifest::temporary_name(&self.config.appendfilename));
        let bytes = self.out.manifest.to_bytes();
        self.store.replace(&path, &temporary, &bytes).map_err(|e| {
            let (temporary, path) = (String::from_utf8_lossy(&temporary), String::from_utf8_lossy(&path));
            format!("Error trying to rename the temporary AOF manifest file {temporary} into {path}: {}", errno_text(e))
        })
    }

    fn plan_log(&mut self, cores: usize, boot: &str) -> Result<(), String> {
        self.out.plan.is_log = true;
        let live: Vec<(FileKind, Listed)> = self.out.manifest.live().map(|(kind, listed)| (kind, listed.clone())).collect();
        let mut sizes = Vec::with_capacity(live.len());
        for (kind, listed) in &live {
            let name = String::from_utf8_lossy(&listed.name).into_owned();
            let path = self.path(&listed.name);
            let missing = |e| format!("Unable to obtain the AOF file {name} length. stat: {}", errno_text(e));
            let size = self.store.size(&path).map_err(missing)?.ok_or_else(|| missing(NO_ENTRY))?;
            if *kind == FileKind::Base {
                self.out.base_bytes = size;
            }
            self.out.log_bytes += size;
            sizes.push((path, size));
        }
        let mut seen = Vec::new();
        for ((kind, listed), (path, size)) in live.iter().zip(sizes) {
            self.look(*kind, &listed.name, path, size, &mut seen)?;
        }
        let is_last_base = live.last().is_some_and(|(kind, _)| *kind == FileKind::Base);
        self.decide(seen, is_last_base, cores, boot)
    }

    /// Looks through one file. A snapshot becomes a stage; commands are decided on when all of them were seen.
    fn look(&mut self, kind: FileKind, name: &[u8], path: Vec<u8>, size: u64, seen: &mut Vec<Seen>) -> Result<(), String> {
        let is_base = kind == FileKind::Base;
        let mut start = 0;
        if is_base && is_snapshot(self.store, &path).map_err(|e| read_error(name, e))? {
            start = snapshot_end(self.store, name, &path, size)?;
            self.out.plan.stages.push(vec![snapshot(path.clone(), start, true)]);
            if start == size {
                return Ok(());
            }
        }
        let survey = survey(self.store, &path, start, size).map_err(|e| read_error(name, e))?;
        seen.push(Seen { name: name.to_vec(), path, start, survey, is_base });
        Ok(())
    }

    fn decide(&mut self, seen: Vec<Seen>, is_last_base: bool, cores: usize, boot: &str) -> Result<(), String> {
        self.out.generation = seen.iter().filter_map(|s| s.place()).map(|(generation, _)| generation).max().unwrap_or(0);
        let last = seen.last().and_then(Seen::place).map(|(generation, _)| generation);
        // The files of the last generation, if it is ours, else the last file.
        let is_last = |s: &Seen| last.is_some() && s.place().map(|(generation, _)| generation) == last;
        let own = seen.iter().rev().take_while(|s| is_last(s)).count();
        let has_tail = !seen.is_empty() && (!is_last_base || seen.last().is_some_and(|s| s.is_base));
        let split = seen.len() - if own > 0 { own } else { usize::from(has_tail) };
        let (before, tail) = seen.split_at(split);
        for file in before {
            self.check_inner(file)?;
        }
        let mut cuts = Vec::new();
        let ends = if own > 0 { self.end_own(tail, cores, boot, &mut cuts)? } else { self.end_foreign(tail, &mut cuts)? };
        let all = before.iter().map(|file| (file, (file.survey.found.whole, 0))).chain(tail.iter().zip(ends));
        let mut group = None;
        for (file, end) in all {
            let core = file.place().filter(|(_, owner)| *owner != Owner::All).map(|(generation, _)| generation);
            let (load, later) = file.load(end);
            match self.out.plan.stages.last_mut() {
                Some(stage) if core.is_some() && core == group => stage.push(load),
                _ => self.out.plan.stages.push(vec![load]),
            }
            group = core;
            if let Some(later) = later {
                self.out.plan.stages.push(vec![later]);
                group = None;
            }
        }
        for (file, end) in cuts.into_iter().filter(|_| !self.only_looks) {
            self.store
                .truncate(&file.path, end)
                .map_err(|e| format!("Error truncating the AOF file {}: {}", String::from_utf8_lossy(&file.name), errno_text(e)))?;
            self.out.log_bytes = self.out.log_bytes.saturating_sub(file.survey.size - end);
        }
        if self.only_looks { Ok(()) } else { self.settle_files() }
    }

    /// What is loaded from now on counts as promised: a process that was killed may have left parts of it in the kernel's memory alone, and
    /// after a sync that failed there even a further one does not move them.
    fn settle_files(&mut self) -> Result<(), String> {
        for (path, from) in std::mem::take(&mut self.unsure) {
            let name = String::from_utf8_lossy(&path).into_owned();
            let size = self.store.size(&path).map_err(|e| read_error(&path, e))?.unwrap_or(0);
            if from < size {
                self.store.write_again(&path, from, size).map_err(|e| format!("Error syncing the AOF file {name}: {}", errno_text(e)))?;
                if size - from >= TOLD_BYTES {
                    self.say(
                        LogLevel::Notice,
                        format!("AOF {name} was not ended in order: its last {} bytes were written to disk again", size - from),
                    );
                }
            }
        }
        for file in self.out.plan.files().filter(|file| !file.is_base) {
            let size = self.store.size(&file.path).map_err(|e| read_error(&file.path, e))?;
            if let Some(size) = size {
                self.store
                    .truncate(&file.path, size)
                    .map_err(|e| format!("Error syncing the AOF file {}: {}", String::from_utf8_lossy(&file.path), errno_text(e)))?;
            }
        }
        Ok(())
    }

    /// A file with others behind it must be whole.
    fn check_inner(&mut self, file: &Seen) -> Result<(), String> {
        let name = String::from_utf8_lossy(&file.name);
        match file.survey.found.fault {
            None | Some(Fault::EndOfNote) => Ok(()),
            Some(Fault::Bad(_)) => Err(bad_format(&name)),
            Some(Fault::End) if self.config.aof_load_truncated => Err(format!(
                "!!! Warning: short read while loading the AOF file {name}!!!\nFatal error: the truncated file is not the last file"
            )),
            Some(Fault::End) => Err(unexpected_end(&name)),
        }
    }

    /// Where a last file of a stock server ends, and whole commands behind that.
    fn end_foreign<'s>(&mut self, tail: &'s [Seen], cuts: &mut Vec<(&'s Seen, u64)>) -> Result<Vec<(u64, u64)>, String> {
        let mut ends = Vec::new();
        for file in tail {
            let survey = &file.survey;
            if !file.is_base {
                // Its server may have seen a sync fail.
                self.unsure.push((file.path.clone(), file.start));
            }
            let (name, whole) = (String::from_utf8_lossy(&file.name).into_owned(), survey.found.whole);
            ends.push((whole, 0));
            let max = self.corrupt_tail_max();
            match survey.found.fault {
                None | Some(Fault::EndOfNote) => continue,
                Some(Fault::End) if self.config.aof_load_truncated => {
                    self.say(LogLevel::Warning, format!("!!! Warning: short read while loading the AOF file {name}!!!"));
                    self.say(LogLevel::Warning, format!("!!! Truncating the AOF {name} at offset {whole} !!!"));
                    self.say(LogLevel::Warning, format!("AOF {name} loaded anyway because aof-load-truncated is enabled"));
                }
                Some(Fault::End) => return Err(unexpected_end(&name)),
                Some(Fault::Bad(_)) if survey.has_nul_tail() && survey.size - whole <= max => {
                    self.say(LogLevel::Warning, format!("!!! Truncating the AOF {name} at offset {whole} !!!"));
                    self.say(
                        LogLevel::Warning,
                        format!(
                            "AOF {name} loaded anyway because its last {} bytes are zeros, and aof-load-corrupt-tail-max-size is {max}",
                            survey.size - whole
                        ),
                    );
                }
                Some(Fault::Bad(_)) => return Err(bad_format(&name)),
            }
            self.tell_cut(file, whole, "the last write was incomplete")?;
            cuts.push((file, whole));
        }
        Ok(ends)
    }

    /// Where the files of our last generation end, and whole commands behind that.
    fn end_own<'s>(
        &mut self,
        tail: &'s [Seen],
        cores: usize,
        boot: &str,
        cuts: &mut Vec<(&'s Seen, u64)>,
    ) -> Result<Vec<(u64, u64)>, String> {
        let globals = tail.iter().take_while(|file| matches!(file.place(), Some((_, Owner::All)))).count();
        let (global, logs) = tail.split_at(globals);
        for file in global {
            self.check_inner(file)?;
        }
        check_cores(logs)?;
        self.unsure.extend(logs.iter().filter_map(|file| Some((file.path.clone(), file.survey.unsure_from(boot)?))));
        if let Some((last, others)) = logs.split_last().filter(|(last, _)| last.survey.foreign.is_some()) {
            // What that server loaded is what its clients saw: nothing of it is cut.
            for file in others {
                self.check_inner(file)?;
            }
            let name = String::from_utf8_lossy(&last.name);
            self.say(LogLevel::Notice, format!("AOF {name} was written on by another server: a new generation begins."));
            let whole = global.iter().chain(others).map(|file| (file.survey.found.whole, 0)).collect::<Vec<_>>();
            return Ok(whole.into_iter().chain(self.end_foreign(std::slice::from_ref(last), cuts)?).collect());
        }
        let rules = Rules { boot, may_truncate: self.config.aof_load_truncated, corrupt_tail_max: self.corrupt_tail_max() };
        let list: Vec<Log> = logs.iter().map(|file| Log { name: &file.name, path: &file.path, survey: &file.survey }).collect();
        let found = own::ends(self.store, &list, &rules)?;
        let mut ends: Vec<(u64, u64)> = global.iter().map(|file| (file.survey.found.whole, 0)).collect();
        for (file, end) in logs.iter().zip(&found) {
            let mut gone = 0;
            if end.at < file.survey.size {
                gone = self.tell_cut(file, end.at, &end.why.text())?;
                cuts.push((file, end.at));
            }
            ends.push((end.at, gone));
        }
        if logs.len() == cores {
            let append = logs.iter().zip(&found).map(|(file, end)| Append { path: file.path.clone(), len: end.at });
            self.out.append = Some(append.collect());
        } else {
            self.say(
                LogLevel::Notice,
                format!("The append only log is that of {} cores, and there are {cores}: a new generation begins.", logs.len()),
            );
        }
        Ok(ends)
    }

    /// One line for what is cut off: bytes and whole commands, which are returned.
    fn tell_cut(&mut self, file: &Seen, end: u64, why: &str) -> Result<u64, String> {
        let mut gone = Counter(0);
        scan(self.store, &file.path, end, file.survey.found.whole, &mut gone).map_err(|e| read_error(&file.name, e))?;
        let (name, bytes) = (String::from_utf8_lossy(&file.name), file.survey.size - end);
        self.say(
            LogLevel::Warning,
            format!("AOF {name} ends at offset {end}: {bytes} bytes with {} whole commands cut off, because {why}", gone.0),
        );
        Ok(gone.0)
    }

    fn corrupt_tail_max(&self) -> u64 {
        let text = self.config.get(b"aof-load-corrupt-tail-max-size").unwrap_or_default();
        crate::base::num::parse_u64(&text).unwrap_or(0)
    }

    /// Removes what earlier runs left behind: history, and files that never came to their name.
    fn clean_up(&mut self) -> Result<(), String> {
        let config = self.config;
        let mut gone = vec![
            self.path(&manifest::temporary_name(&config.appendfilename)),
            self.path(&manifest::temporary_incr_name(&config.appendfilename)),
        ];
        let here = self.store.list(b".").map_err(|e| format!("Can't read the working directory: {}", errno_text(e)))?;
        gone.extend(here.into_iter().filter(|name| is_temporary_rewrite(name)));
        if !config.aof_disable_auto_gc && !self.out.manifest.history.is_empty() {
            for old in std::mem::take(&mut self.out.manifest.history) {
                self.say(LogLevel::Notice, format!("Removing the history file {} in the background", String::from_utf8_lossy(&old.name)));
                // A name that is also loaded is no history, whatever the manifest says.
                if self.out.manifest.live().all(|(_, live)| live.name != old.name) {
                    gone.push(self.path(&old.name));
                }
            }
            // The files first: a manifest without them would leave them behind for good.
            for path in &gone {
                self.store.remove(path).map_err(|e| format!("Can't remove {}: {}", String::from_utf8_lossy(path), errno_text(e)))?;
            }
            return self.write_manifest();
        }
        for path in gone {
            self.store.remove(&path).map_err(|e| format!("Can't remove {}: {}", String::from_utf8_lossy(&path), errno_text(e)))?;
        }
        Ok(())
    }

    /// Removes an incremental file that a process which ended early never came to list, and tells whether it was one: one of ours with a lower
    /// number than the newest that is listed, so that what has happened since does without it. One with a higher number stays: its number is not
    /// used again that way, and it may be all that is left of a mishap.
    fn remove_leftover(&mut self, name: &[u8]) -> Result<bool, String> {
        let path = self.path(name);
        let mut front = vec![0; LINE_MAX];
        let mut len = 0;
        while len < front.len() {
            match self.store.read(&path, len as u64, front.get_mut(len..).unwrap_or_default()).map_err(|e| read_error(name, e))? {
                0 => break,
                n => len += n,
            }
        }
        let line = front.get(..len).unwrap_or_default().split_inclusive(|b| *b == b'\n').next().unwrap_or_default();
        let is_ours = line.ends_with(b"\r\n") && matches!(Annotation::read(line), Annotation::Rf(_));
        if is_ours {
            self.store.remove(&path).map_err(|e| format!("Can't remove {}: {}", String::from_utf8_lossy(&path), errno_text(e)))?;
        }
        Ok(is_ours)
    }

    /// Numbers behind those of all files that are there, listed or not: a file that is not listed may be all that is left of a mishap.
    fn take_numbers(&mut self) -> Result<(), String> {
        let config = self.config;
        let names = self.store.list(&config.appenddirname).map_err(|e| {
            format!("Can't open or create append-only dir {}: {}", String::from_utf8_lossy(&config.appenddirname), errno_text(e))
        })?;
        let prefix = [&config.appendfilename[..], b"."].concat();
        let listed = self.out.manifest.next_incr();
        let (mut base, mut incr) = (self.out.manifest.next_base(), listed);
        for name in &names {
            let Some((number, is_base)) = manifest::number_in(name).filter(|_| name.starts_with(&prefix)) else { continue };
            let next = if is_base { &mut base } else { &mut incr };
            *next = (*next).max(number.saturating_add(1));
            let is_listed = self.out.manifest.iter().any(|(_, listed)| listed.name == *name);
            if config.appendonly && !is_listed {
                let is_leftover = !is_base && (1..listed).contains(&number) && *name == manifest::incr_name(&config.appendfilename, number);
                let is_gone = is_leftover && self.remove_leftover(name)?;
                let what = if is_gone { "it was never listed and is removed" } else { "it is not loaded" };
                self.say(LogLevel::Notice, format!("The AOF file {} is not in the manifest: {what}", String::from_utf8_lossy(name)));
            }
        }
        (self.out.next_base, self.out.next_incr) = (base, incr);
        Ok(())
    }
}

/// ENOENT.
const NO_ENTRY: i32 = 2;

/// All cores' logs are there, once each, in order, and of one number of cores.
fn check_cores(logs: &[Seen]) -> Result<(), String> {
    let cores = logs.first().and_then(|file| file.survey.rf()).map_or(1, |rf| rf.cores);
    for core in 0..cores.max(logs.len()) {
        let is_right = |file: &Seen| file.survey.rf().is_some_and(|rf| rf.owner == Owner::Core(core) && rf.cores == cores);
        if !logs.get(core).is_some_and(is_right) {
            let generation = logs.first().and_then(Seen::place).map_or(0, |(generation, _)| generation);
            let found = logs.get(core).map_or("it is not in the manifest".into(), |file| {
                format!("{} says that it is another one", String::from_utf8_lossy(&file.name))
            });
            return Err(format!(
                "The append only log of core {core} is missing in generation {generation} of {cores} cores: {found}. \
                 Restore all files of the directory from the same time."
            ));
        }
    }
    Ok(())
}

fn snapshot(path: Vec<u8>, end: u64, is_base: bool) -> LoadFile {
    LoadFile { path, kind: LoadKind::Rdb, start: 0, end, skips: Vec::new(), commands: 0, is_base, core: None }
}

/// Where the snapshot at the front of a file ends. Nearly always that is the end of the file, which its last bytes tell.
fn snapshot_end(store: &mut dyn Store, name: &[u8], path: &[u8], size: u64) -> Result<u64, String> {
    let mut byte = [0];
    if size >= SNAPSHOT_END {
        store.read(path, size - SNAPSHOT_END, &mut byte).map_err(|e| read_error(name, e))?;
        if byte == [0xFF] {
            return Ok(size);
        }
    }
    super::preamble::end(store, path, size)
        .map_err(|why| format!("{why}\nError reading the RDB base file {}, AOF loading aborted", String::from_utf8_lossy(name)))
}

/// `temp-rewriteaof-<pid>.aof`, `temp-rewriteaof-bg-<pid>.aof`.
fn is_temporary_rewrite(name: &[u8]) -> bool {
    let rest = name.strip_prefix(b"temp-rewriteaof-").map(|rest| rest.strip_prefix(b"bg-").unwrap_or(rest));
    let digits = rest.and_then(|rest| rest.strip_suffix(b".aof"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

struct Counter(u64);

impl super::read::Sink for Counter {
    fn command(&mut self, _: u64, _: u64, _: &[u8]) {
        self.0 += 1;
    }
}

#[cfg(test)]
mod tests;
