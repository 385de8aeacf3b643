//! Whether this machine lets the server run, said in one line, and the process limits it needs.
//!
//! Called once at start-up, before any thread. Invariants: nothing here panics; a missing feature is a `Refused`.
//!
//! Ref: io_uring_setup(2), getrlimit(2), /proc/sys/kernel/io_uring_disabled in the kernel's sysctl documentation.
#![allow(unsafe_code)]

use std::io;

use io_uring::{IoUring, Probe, opcode};

use crate::io::{Refused, errno_text};

/// The oldest kernel with everything the reactor uses: multishot receive is from 6.0, deferred task work from 6.1.
pub const KERNEL_MIN: (u32, u32) = (6, 1);
/// Locked memory that the executors and rings of one core may need.
const MEMLOCK_A_CORE: u64 = 512 << 10;

/// What `check` has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The release, as uname(1) -r prints it.
    pub release: String,
    /// Major and minor version.
    pub version: (u32, u32),
}

/// Looks at kernel version, io_uring and its operations.
pub fn check() -> Result<Kernel, Refused> {
    let kernel = kernel()?;
    if kernel.version < KERNEL_MIN {
        return Err(Refused(format!("Linux {}.{} or newer is needed, this is {}", KERNEL_MIN.0, KERNEL_MIN.1, kernel.release)));
    }
    let ring = IoUring::new(8).map_err(|error| explain_setup(&error))?;
    let mut probe = Probe::new();
    ring.submitter()
        .register_probe(&mut probe)
        .map_err(|error| Refused(format!("io_uring does not say what it can do: {}", errno_text(error.raw_os_error().unwrap_or(0)))))?;
    let needed = [
        (opcode::Accept::CODE, "accept"),
        (opcode::Recv::CODE, "recv"),
        (opcode::Send::CODE, "send"),
        (opcode::SendMsg::CODE, "sendmsg"),
        (opcode::AsyncCancel::CODE, "cancel"),
        (opcode::PollAdd::CODE, "poll"),
        (opcode::Write::CODE, "write"),
        (opcode::Read::CODE, "read"),
        (opcode::Fsync::CODE, "fsync"),
        (opcode::OpenAt::CODE, "openat"),
        (opcode::Close::CODE, "close"),
        (opcode::Statx::CODE, "statx"),
        (opcode::RenameAt::CODE, "renameat"),
        (opcode::UnlinkAt::CODE, "unlinkat"),
        (opcode::MkDirAt::CODE, "mkdirat"),
    ];
    match needed.iter().find(|(code, _)| !probe.is_supported(*code)) {
        Some((_, name)) => Err(Refused(format!("io_uring on this machine lacks the operation {name}"))),
        None => Ok(kernel),
    }
}

/// One line for a failed io_uring_setup.
pub(super) fn explain_setup(error: &io::Error) -> Refused {
    let errno = error.raw_os_error().unwrap_or(0);
    let why = match errno {
        libc::ENOSYS => "the kernel was built without it, or a seccomp filter hides it".to_string(),
        libc::EPERM | libc::EACCES => match std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled") {
            Ok(level) if level.trim() != "0" => {
                format!("disabled by sysctl kernel.io_uring_disabled = {}", level.trim())
            }
            _ => "denied, probably by the container's seccomp filter".to_string(),
        },
        libc::ENOMEM => {
            format!("not enough lockable memory (ulimit -l is {} KiB)", limit(libc::RLIMIT_MEMLOCK).map_or(0, |limit| limit.rlim_cur >> 10))
        }
        libc::EMFILE | libc::ENFILE => "no file descriptor is left (ulimit -n)".to_string(),
        libc::EINVAL => "the kernel does not know the needed set-up flags".to_string(),
        _ => errno_text(errno),
    };
    Refused(format!("io_uring is not available: {why}"))
}

fn kernel() -> Result<Kernel, Refused> {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_err(|error| Refused(format!("Can't read the kernel's version: {}", errno_text(error.raw_os_error().unwrap_or(0)))))?;
    let release = text.trim().to_string();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    Ok(Kernel { release, version })
}

fn limit(resource: libc::__rlimit_resource_t) -> Option<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: fills one structure that lives during the call.
    let done = unsafe { libc::getrlimit(resource, &mut limit) };
    (done == 0).then_some(limit)
}

fn set_limit(resource: libc::__rlimit_resource_t, soft: u64, hard: u64) -> bool {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: reads one structure that lives during the call.
    unsafe { libc::setrlimit(resource, &limit) == 0 }
}

/// Raises the limit on locked memory to what `cores` cores need; one line if the hard limit forbids it.
pub fn raise_locked_memory(cores: usize) -> Result<(), Refused> {
    let need = MEMLOCK_A_CORE * cores as u64 + MEMLOCK_A_CORE;
    let Some(now) = limit(libc::RLIMIT_MEMLOCK) else {
        return Ok(());
    };
    if now.rlim_cur >= need
        || set_limit(libc::RLIMIT_MEMLOCK, need.min(now.rlim_max), now.rlim_max) && now.rlim_max >= need
        || set_limit(libc::RLIMIT_MEMLOCK, need, need.max(now.rlim_max))
    {
        return Ok(());
    }
    // One core's executor refuses below its minimum; with more than that it has always been enough, because the
    // rings themselves are charged to the memory cgroup since Linux 5.12.
    if now.rlim_max >= MEMLOCK_A_CORE {
        return Ok(());
    }
    Err(Refused(format!(
        "The limit on locked memory is {} KiB, {} KiB are needed (ulimit -l, LimitMEMLOCK)",
        now.rlim_max >> 10,
        MEMLOCK_A_CORE >> 10
    )))
}

/// Raises the limit on open files to `want` (connections plus what the server itself needs), or as near as the hard
/// limit allows. Answers the limit in force afterwards.
pub fn raise_open_files(want: u64) -> u64 {
    let Some(now) = limit(libc::RLIMIT_NOFILE) else {
        return want;
    };
    if now.rlim_cur >= want {
        return now.rlim_cur;
    }
    let allowed = want.min(now.rlim_max);
    if set_limit(libc::RLIMIT_NOFILE, want, want.max(now.rlim_max)) {
        return want;
    }
    if set_limit(libc::RLIMIT_NOFILE, allowed, now.rlim_max) {
        return allowed;
    }
    now.rlim_cur
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_good_enough() {
        let kernel = check().expect("the tests need io_uring");
        assert!(kernel.version >= KERNEL_MIN);
        raise_locked_memory(2).expect("locked memory");
        assert!(raise_open_files(256) >= 256);
    }

    #[test]
    fn a_refusal_is_one_line_with_the_cause() {
        let refused = explain_setup(&io::Error::from_raw_os_error(libc::ENOSYS));
        assert!(refused.0.starts_with("io_uring is not available: "));
        assert!(!refused.0.contains('\n'));
    }
}
