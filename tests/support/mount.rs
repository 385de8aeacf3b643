//! Small disks that can be full, fail and lose what was not synced: file systems in memory and images of ext4 mounted through a loop
//! device. Root only; the test fails with a clear word where mounting is impossible. Unmounted when dropped.

use super::site::folder;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A mounted file system.
pub struct Mount {
    pub folder: PathBuf,
}

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().map_err(|e| format!("{program}: {e}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_string());
    }
    Err(format!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

fn must(program: &str, arguments: &[&str]) -> String {
    run(program, arguments).unwrap_or_else(|why| panic!("{why}\n(disks that fail need root, tmpfs, loop devices and mkfs.ext4)"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the target directory has a plain name")
}

impl Mount {
    /// A file system in memory of so many megabytes.
    pub fn memory(megabytes: usize) -> Mount {
        let folder = folder("memory");
        must("mount", &["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs", text(&folder)]);
        Mount { folder }
    }

    /// The ext4 file system in this image. It stays writable after an error: what follows is the server's to decide.
    pub fn image(image: &Path) -> Mount {
        let folder = folder("image");
        must("mount", &["-o", "loop,noatime,errors=continue", text(image), text(&folder)]);
        Mount { folder }
    }

    /// The same, only to be read.
    pub fn image_to_read(image: &Path) -> Mount {
        let folder = folder("image");
        must("mount", &["-o", "loop,ro", text(image), text(&folder)]);
        Mount { folder }
    }

    /// Other options, without unmounting: `size=8m`, `ro`.
    pub fn remount(&self, options: &str) {
        must("mount", &["-o", &format!("remount,{options}"), text(&self.folder)]);
    }

    /// Takes the power away: from this instant on nothing reaches the image, and whoever asks gets an error. What was on its way to the
    /// device has arrived when this returns. Ref: EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH, linux/fs/ext4/ext4.h.
    pub fn cut_power(&self) {
        let ask = "import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";
        must("python3", &["-c", ask, text(&self.folder)]);
        let device = must("findmnt", &["-no", "SOURCE", text(&self.folder)]);
        let device = device.rsplit('/').next().expect("a device has a name");
        for _ in 0..1000 {
            let busy = std::fs::read_to_string(format!("/sys/block/{device}/inflight")).expect("a loop device says what it does");
            if busy.split_whitespace().all(|n| n == "0") {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("{device} does not come to rest");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A server that was just killed may hold it for a moment.
        let is_gone = (0..50).any(|_| {
            let is_gone = run("umount", &[text(&self.folder)]).is_ok();
            if !is_gone {
                std::thread::sleep(Duration::from_millis(20));
            }
            is_gone
        });
        if is_gone || run("umount", &["-l", text(&self.folder)]).is_ok() {
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}

/// Makes an image of so many megabytes with an empty ext4 in it; what is not written takes no space, a journal (4 MB) does. A file system
/// without a journal goes on after an error, one with a journal can only be mounted again.
pub fn make_image(image: &Path, megabytes: u64, has_journal: bool) {
    let file = std::fs::File::create(image).expect("an image can be made");
    file.set_len(megabytes << 20).expect("an image can be made");
    let journal: &[&str] = if has_journal { &["-J", "size=4"] } else { &["-O", "^has_journal"] };
    let rest = ["-E", "lazy_itable_init=0,lazy_journal_init=0", text(image)];
    must("mkfs.ext4", &[&["-q", "-F", "-N", "2000"], journal, &rest].concat());
}

/// Copies an image as it is on its disk now.
pub fn copy_image(from: &Path, to: &Path) {
    must("cp", &["--sparse=always", text(from), text(to)]);
}

/// What a machine does at boot with an ext4 that has no journal: blocks in use that count as free would be given away again.
pub fn mend_image(image: &Path) {
    let output = Command::new("e2fsck").args(["-fy", text(image)]).stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("e2fsck: {e}"));
    // 0: nothing to mend, 1 and 2: mended.
    assert!(matches!(output.status.code(), Some(0..=2)), "{}", String::from_utf8_lossy(&output.stdout));
}
