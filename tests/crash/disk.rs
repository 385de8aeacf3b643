//! Disks that are full, that fail, that may not be written: writes stop, reads go on, nothing that was acknowledged is lost, and the server
//! goes on by itself when the disk does.

use crate::support::{Client, Program, Reply, Site, mount::Mount, mount::copy_image, mount::make_image, mount::mend_image, site};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes of one value.
const VALUE: usize = 8000;
/// Writes after which a disk of these tests must be full.
const ENOUGH: usize = 20_000;
/// Longest time until a server writes again after its disk has room.
const HEALS: Duration = Duration::from_millis(3000);

const AOF_REFUSAL: &str = "MISCONF Errors writing to the AOF file: ";
const RDB_REFUSAL: &str = "MISCONF Redis is configured to save RDB snapshots";

/// Writes one value after the other and knows which were acknowledged, and when.
#[derive(Default)]
struct Filler {
    next: u64,
    acked: BTreeMap<u64, Instant>,
}

/// Why the filler stopped.
#[derive(Debug)]
enum Stop {
    Refused(String),
    Gone,
}

impl Filler {
    fn key(n: u64) -> String {
        format!("key:{n}")
    }

    fn value(n: u64) -> Vec<u8> {
        let mut value = n.to_string().into_bytes();
        value.resize(VALUE, b'v');
        value
    }

    fn write(&mut self, client: &mut Client) -> Result<(), Stop> {
        let n = self.next;
        self.next += 1;
        match client.try_call(&[b"SET".as_slice(), Filler::key(n).as_bytes(), &Filler::value(n)]) {
            Ok(Reply::Simple(_)) => drop(self.acked.insert(n, Instant::now())),
            Ok(other) => return Err(Stop::Refused(String::from_utf8_lossy(other.bytes()).into_owned())),
            Err(_) => return Err(Stop::Gone),
        }
        Ok(())
    }

    /// Writes until it is refused or the server is gone.
    fn fill(&mut self, client: &mut Client) -> Stop {
        for _ in 0..ENOUGH {
            if let Err(stop) = self.write(client) {
                return stop;
            }
        }
        panic!("{ENOUGH} values were written to a disk that has no room for them")
    }

    /// Everything acknowledged up to `until` must be there, and nothing that was never written.
    fn check(&self, client: &mut Client, until: Instant) -> Result<usize, String> {
        self.check_below(client, until, self.next)
    }

    /// The same for values below number `sure`; the others may be anything.
    fn check_below(&self, client: &mut Client, until: Instant, sure: u64) -> Result<usize, String> {
        let mut there = 0;
        for n in 0..self.next {
            let found = client.call(&["GET", &Filler::key(n)]);
            there += i64::from(found != Reply::Null);
            match (&found, self.acked.get(&n)) {
                _ if n >= sure => {}
                (Reply::Bulk(text), _) if *text == Filler::value(n) => {}
                (Reply::Null, Some(at)) if *at <= until => return Err(format!("{} was acknowledged and is not there", Filler::key(n))),
                (Reply::Null, _) => {}
                _ => {
                    let right = Filler::value(n);
                    let wrong = found.bytes().iter().zip(&right).position(|(a, b)| a != b);
                    return Err(format!("{} is wrong from byte {wrong:?} on", Filler::key(n)));
                }
            }
        }
        match client.call(&["DBSIZE"]) {
            Reply::Int(size) if size == there => Ok(there as usize),
            other => Err(format!("{other} keys are there, {there} are known")),
        }
    }
}

fn log_options(policy: &'static str) -> [&'static str; 4] {
    ["--appendonly", "yes", "--appendfsync", policy]
}

/// Something that takes the room and can be taken away.
fn ballast(disk: &Path, megabytes: usize) {
    std::fs::write(disk.join("ballast"), vec![7; megabytes << 20]).expect("the ballast fits");
}

fn drop_ballast(disk: &Path) {
    std::fs::remove_file(disk.join("ballast")).expect("the ballast can be taken away");
}

/// Reads must go on, whatever the disk does.
fn check_reads(client: &mut Client) {
    assert_eq!(client.call(&["GET", &Filler::key(0)]), Reply::Bulk(Filler::value(0)), "reads go on");
}

/// Waits until a write is accepted again.
fn wait_for_writes(filler: &mut Filler, client: &mut Client, patience: Duration) -> Result<Duration, String> {
    let begin = Instant::now();
    loop {
        match filler.write(client) {
            Ok(()) => return Ok(begin.elapsed()),
            Err(stop) if begin.elapsed() > patience => return Err(format!("after {patience:?} still {stop:?}")),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[test]
fn a_full_disk_stops_writes_and_is_survived() {
    let disk = Mount::memory(16);
    ballast(&disk.folder, 8);
    let mut site = Site::over(site::judged(), &disk.folder, &log_options("everysec"));
    site.start();
    let (mut client, mut filler) = (site.client(), Filler::default());
    match filler.fill(&mut client) {
        Stop::Refused(text) => assert_eq!(text, format!("{AOF_REFUSAL}No space left on device")),
        other => panic!("{other:?}"),
    }
    check_reads(&mut client);
    drop_ballast(&disk.folder);
    let healed = wait_for_writes(&mut filler, &mut client, HEALS).expect("writes go on when there is room");
    eprintln!("writes went on {healed:?} after there was room");
    (0..20).for_each(|_| drop(filler.write(&mut client)));
    std::thread::sleep(super::UNWRITTEN);
    site.kill();
    site.start();
    filler.check(&mut site.client(), Instant::now()).expect("all that was acknowledged is there");
}

/// Starts a server that promises `always` and writes until its disk ends it, which it must say.
fn fill_to_the_end(site: &mut Site) -> Filler {
    site.start();
    let mut filler = Filler::default();
    match filler.fill(&mut site.client()) {
        Stop::Gone => {}
        Stop::Refused(text) => panic!("refused: {text}"),
    }
    let status = site.wait_end(Duration::from_secs(10)).expect("it ends");
    assert_eq!(status.code(), Some(1), "{}", site.words());
    assert!(site.words().contains("the AOF fsync policy is 'always'"), "{}", site.words());
    filler
}

#[test]
fn a_full_disk_ends_a_server_that_promised_always() {
    let disk = Mount::memory(16);
    ballast(&disk.folder, 8);
    let mut site = Site::over(site::judged(), &disk.folder, &log_options("always"));
    let filler = fill_to_the_end(&mut site);
    drop_ballast(&disk.folder);
    site.start();
    filler.check(&mut site.client(), Instant::now()).expect("all that was acknowledged is there");
}

#[test]
fn a_snapshot_that_does_not_fit_leaves_the_old_one() {
    let disk = Mount::memory(12);
    let mut site = Site::over(site::judged(), &disk.folder, &["--save", "3600 1", "--rdbcompression", "no"]);
    site.start();
    let (mut client, mut filler) = (site.client(), Filler::default());
    (0..300).for_each(|_| filler.write(&mut client).expect("memory has room"));
    assert_eq!(client.call(&["SAVE"]), Reply::Simple(b"OK".to_vec()));
    let old = std::fs::read(disk.folder.join("dump.rdb")).expect("there is a snapshot");
    (0..700).for_each(|_| filler.write(&mut client).expect("memory has room"));
    ballast(&disk.folder, 5);
    client.call(&["BGSAVE"]);
    let until = Instant::now() + Duration::from_secs(10);
    let refused = loop {
        match filler.write(&mut client) {
            Err(Stop::Refused(text)) => break text,
            Err(Stop::Gone) => panic!("gone:\n{}", site.words()),
            Ok(()) => assert!(Instant::now() < until, "a snapshot failed and writes go on"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(refused.starts_with(RDB_REFUSAL), "{refused}");
    check_reads(&mut client);
    let info = client.call(&["INFO", "persistence"]);
    assert!(String::from_utf8_lossy(info.bytes()).contains("rdb_last_bgsave_status:err"));
    assert_eq!(std::fs::read(disk.folder.join("dump.rdb")).ok(), Some(old), "the old snapshot is as it was");
    let left: Vec<_> =
        std::fs::read_dir(&disk.folder).expect("a folder can be read").filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    assert!(left.iter().all(|n| !n.starts_with("temp-")), "{left:?}");
    drop_ballast(&disk.folder);
    let saved = Instant::now();
    assert_eq!(client.call(&["SAVE"]), Reply::Simple(b"OK".to_vec()));
    filler.write(&mut client).expect("writes go on after a snapshot that succeeded");
    site.kill();
    site.start();
    filler.check(&mut site.client(), saved).expect("all is in the snapshot");
}

/// A start where nothing can be written either serves what is there or says why not; it damages nothing.
#[test]
fn a_start_on_a_disk_that_cannot_be_written_damages_nothing() {
    for (condition, word) in [("full", "No space left on device"), ("read-only", "Read-only file system")] {
        let disk = Mount::memory(6);
        let mut site = Site::over(site::judged(), &disk.folder, &log_options("everysec"));
        site.start();
        let mut filler = Filler::default();
        (0..50).for_each(|_| filler.write(&mut site.client()).expect("there is room"));
        site.shut_down();
        let before = log_bytes(&disk.folder);
        if condition == "full" {
            let _ = std::fs::write(disk.folder.join("ballast"), vec![7; 8 << 20]);
        } else {
            disk.remount("ro");
        }
        match site.try_start() {
            Ok(()) => {
                filler.check(&mut site.client(), Instant::now()).expect("what is there is served");
                site.kill();
            }
            Err(ended) => {
                assert_eq!(log_bytes(&disk.folder), before, "{condition}: whoever refuses touches nothing");
                assert_eq!(ended.status.and_then(|s| s.code()), Some(1), "{condition}: {}", ended.words);
                assert!(ended.words.contains(word), "{condition}: {}", ended.words);
            }
        }
        assert!(is_whole(&before, &log_bytes(&disk.folder)), "{condition}: the log has all that it had");
        disk.remount("rw");
        let _ = std::fs::remove_file(disk.folder.join("ballast"));
        site.start();
        filler.check(&mut site.client(), Instant::now()).expect("all is there when the disk is well again");
    }
}

/// Whether every file is there and has not become shorter: who serves may find room to write on.
fn is_whole(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> bool {
    before.iter().all(|(name, len)| after.get(name).is_some_and(|now| now >= len))
}

/// The size of all files of the log; what never became one of them does not count.
fn log_bytes(data: &Path) -> BTreeMap<String, u64> {
    let folder = std::fs::read_dir(data.join("appendonlydir")).expect("there is a log");
    let file = |e: std::fs::DirEntry| Some((e.file_name().into_string().ok()?, e.metadata().ok()?.len()));
    folder.filter_map(|e| file(e.ok()?)).filter(|(name, _)| !name.starts_with("temp-")).collect()
}

/// A second server on the same log would write over the first.
#[test]
fn two_servers_do_not_share_a_log() {
    if site::judged() != Program::Ringfort {
        return;
    }
    let mut first = Site::new(Program::Ringfort, &log_options("always"));
    first.start();
    let mut filler = Filler::default();
    (0..20).for_each(|_| filler.write(&mut first.client()).expect("it can be written"));
    let before = log_bytes(&first.data);
    let ended = Site::over(Program::Ringfort, &first.data, &log_options("always")).try_start().expect_err("a second server started");
    assert_eq!(ended.status.and_then(|s| s.code()), Some(1), "{}", ended.words);
    assert_eq!(log_bytes(&first.data), before, "no file was touched");
    filler.write(&mut first.client()).expect("the first goes on");
    first.kill();
    first.start();
    filler.check(&mut first.client(), Instant::now()).expect("all is there");
}

/// An image that promises more room than there is below it: writes succeed, fsync fails, once, and says later that all is well.
struct ThinDisk {
    below: Mount,
    disk: Option<Mount>,
}

impl ThinDisk {
    fn new() -> ThinDisk {
        let below = Mount::memory(24);
        make_image(&below.folder.join("image"), 200, false);
        let disk = Some(Mount::image(&below.folder.join("image")));
        ThinDisk { below, disk }
    }

    fn folder(&self) -> &Path {
        &self.disk.as_ref().expect("it is mounted").folder
    }

    fn give_room(&self) {
        self.below.remount("size=600m");
    }

    /// The power goes, and the server with it: what is below goes on as the disk of a machine that was switched off. False if the file system
    /// itself lost its way to the bytes of a file.
    fn cut_power(&mut self, site: &mut Site) -> bool {
        self.disk.as_ref().expect("it is mounted").cut_power();
        let copy = self.below.folder.join("copy");
        copy_image(&self.below.folder.join("image"), &copy);
        site.kill();
        self.disk = None;
        if !is_readable(&Mount::image_to_read(&copy).folder) {
            return false;
        }
        mend_image(&copy);
        self.disk = Some(Mount::image(&copy));
        super::power::forget_boot(self.folder()).expect("a log can be written");
        site.data = self.folder().to_path_buf();
        true
    }
}

impl Drop for ThinDisk {
    fn drop(&mut self) {
        // The image goes before what it lies on.
        self.disk = None;
    }
}

/// Disks that may lose blocks of their own file system before none of them does.
const DISKS: usize = 10;

/// Tries with one disk after the other until one can be judged. Where writes fail, a file system without a journal can lose the blocks that say
/// where a file lies, also those of bytes that were synced long before; no server can be judged on such a disk.
fn judge<T>(attempt: impl Fn() -> Option<T>) -> T {
    (0..DISKS).find_map(|_| attempt()).unwrap_or_else(|| panic!("{DISKS} disks lost blocks of their own file system"))
}

/// Whether the file system finds the bytes of all files that the manifest names.
fn is_readable(data: &Path) -> bool {
    let folder = data.join("appendonlydir");
    let manifest = match std::fs::read_to_string(folder.join("appendonly.aof.manifest")) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return true,
        other => other.unwrap_or_default(),
    };
    let names: Vec<&str> = manifest.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    !names.is_empty() && names.iter().all(|name| std::fs::read(folder.join(name)).is_ok())
}

fn fail_a_promise() -> Option<usize> {
    let mut thin = ThinDisk::new();
    let mut site = Site::over(site::judged(), thin.folder(), &log_options("always"));
    let filler = fill_to_the_end(&mut site);
    thin.give_room();
    if !thin.cut_power(&mut site) {
        return None;
    }
    site.start();
    // Where the disk ends, the loop device drops the last page of a write and says that all is well: neither the last value that was
    // acknowledged nor the one behind it can be judged.
    let sure = filler.acked.keys().last().copied().unwrap_or(0);
    Some(filler.check_below(&mut site.client(), Instant::now(), sure).expect("all that was acknowledged is there"))
}

#[test]
fn a_failed_fsync_ends_a_server_that_promised_always() {
    let kept = judge(fail_a_promise);
    eprintln!("{kept} values before the disk failed");
}

/// The same with `everysec`: what was acknowledged while the disk was well and more than two seconds before the power went must be there, also
/// what lay in pages whose fsync had failed.
fn fail_and_go_on(program: Program) -> Option<Result<(), String>> {
    let mut thin = ThinDisk::new();
    let mut site = Site::over(program, thin.folder(), &log_options("everysec"));
    site.start();
    let (mut client, mut filler) = (site.client(), Filler::default());
    match filler.fill(&mut client) {
        Stop::Refused(text) if text.starts_with(AOF_REFUSAL) => {}
        other => return Some(Err(format!("{other:?}"))),
    }
    check_reads(&mut client);
    thin.give_room();
    if let Err(why) = wait_for_writes(&mut filler, &mut client, Duration::from_secs(10)) {
        return Some(Err(format!("{why}\n{}", site.words())));
    }
    let end = Instant::now() + Duration::from_millis(2500);
    while Instant::now() < end {
        if let Err(stop) = filler.write(&mut client) {
            return Some(Err(format!("a write after the disk was well again: {stop:?}")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    site.signal("STOP");
    let promised = Instant::now() - Duration::from_secs(2);
    let words = site.words();
    if !thin.cut_power(&mut site) {
        return None;
    }
    let result = site.try_start().map_err(|e| e.words).and_then(|()| filler.check(&mut site.client(), promised).map(drop));
    site.kill();
    Some(result.map_err(|why| format!("{why}\nbefore the power went it said:\n{words}")))
}

/// A stock server asks for another fsync, hears that all is well, and its log can never be read again.
#[test]
fn no_second_fsync_is_trusted() {
    let program = site::judged();
    match judge(|| fail_and_go_on(program)) {
        Err(why) if program == Program::Ringfort => panic!("{why}"),
        Err(why) => {
            eprintln!("{program:?} does trust it: {}", why.lines().find(|l| l.contains(" # ") && l.contains("AOF")).unwrap_or(&why))
        }
        Ok(()) => {}
    }
}
