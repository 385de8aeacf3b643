//! Signals, the background process and the pid file.
//!
//! Called by the server's start-up, before any thread. A handler does two things that are allowed in one: it sets a bit
//! and writes to core 0's eventfd, so that core 0 finds an `Event::Wake` and asks `taken`.
//!
//! Invariants: SIGHUP, SIGPIPE and SIGXFSZ never end the process. A second SIGINT while the first one is still being served ends
//! it at once, as redis-server does.
//!
//! Ref: sigaction(2), signal-safety(7), daemon(3).
#![allow(unsafe_code)]

use std::ffi::{CString, c_char};
use std::io::{self, Write};
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering};

use super::wake::Waker;

static TERM: AtomicBool = AtomicBool::new(false);
static INT: AtomicBool = AtomicBool::new(false);
/// A shutdown asked for by a signal is under way.
static LEAVING: AtomicBool = AtomicBool::new(false);
static WAKE: AtomicI32 = AtomicI32::new(-1);
/// See `install`.
static SCRAP: AtomicPtr<c_char> = AtomicPtr::new(ptr::null_mut());
const INSIST: &str = "You insist... exiting now.\n";

/// A signal that asks for shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Term,
    Int,
}

/// Installs the handlers; `waker` must live as long as the process. Core 0 is woken by SIGTERM and SIGINT.
/// `scrap`: a file of the working directory that is of no use once the process was ended in the middle of its last work.
pub fn install(waker: &Waker, scrap: &[u8]) {
    if let Ok(name) = CString::new(scrap) {
        // Read by the handler until the process ends.
        SCRAP.store(name.into_raw(), Ordering::SeqCst);
    }
    // The descriptor must outlive every later signal; one clone of the waker is kept for ever.
    WAKE.store(waker.event_fd(0), Ordering::SeqCst);
    std::mem::forget(waker.clone());
    ignore();
    for signal in [libc::SIGTERM, libc::SIGINT] {
        // SAFETY: all zero is a valid sigaction; the handler makes only async-signal-safe calls.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handle as extern "C" fn(i32) as usize;
            libc::sigemptyset(&mut action.sa_mask);
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

/// Ignores SIGHUP, SIGPIPE and SIGXFSZ: a closed terminal or socket is no reason to end, and a file that may not grow is an error of the write.
pub fn ignore() {
    // SAFETY: sets dispositions to a constant.
    unsafe {
        libc::signal(libc::SIGHUP, libc::SIG_IGN);
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

extern "C" fn handle(signal: i32) {
    if signal == libc::SIGINT && LEAVING.load(Ordering::SeqCst) {
        let scrap = SCRAP.load(Ordering::SeqCst);
        // SAFETY: all are async-signal-safe; the name is a C string that was leaked; the last one does not return.
        unsafe {
            libc::write(2, INSIST.as_ptr().cast(), INSIST.len());
            if !scrap.is_null() {
                libc::unlink(scrap);
            }
            libc::_exit(1);
        }
    }
    let flag = if signal == libc::SIGTERM { &TERM } else { &INT };
    flag.store(true, Ordering::SeqCst);
    let one = 1u64;
    // SAFETY: write is async-signal-safe; errno, which the interrupted code may be about to read, is put back.
    unsafe {
        let errno = libc::__errno_location();
        let saved = *errno;
        libc::write(WAKE.load(Ordering::SeqCst), (&raw const one).cast(), 8);
        *errno = saved;
    }
}

/// The signal that has come since the last call, if any; SIGTERM first. From then on a SIGINT ends the process at once,
/// until `stay` is called.
pub fn taken() -> Option<Signal> {
    let found = if TERM.swap(false, Ordering::SeqCst) {
        Some(Signal::Term)
    } else if INT.swap(false, Ordering::SeqCst) {
        Some(Signal::Int)
    } else {
        None
    };
    if found.is_some() {
        LEAVING.store(true, Ordering::SeqCst);
    }
    found
}

/// Whether a shutdown that a signal asked for is under way, as far as `stay` was not called since.
#[must_use]
pub fn is_leaving() -> bool {
    LEAVING.load(Ordering::Relaxed)
}

/// The shutdown was called off (a save failed): the next SIGINT is an ordinary one again.
pub fn stay() {
    LEAVING.store(false, Ordering::SeqCst);
}

/// Stops the process until somebody continues it: how upstart is told that a job is ready (`expect stop`).
pub fn stop_self() {
    // SAFETY: plain call.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Goes on as a background process: a child of nobody, in a session of its own, without a terminal. The caller returns
/// only in the new process; call it before any thread or ring exists.
pub fn daemonize() -> io::Result<()> {
    fork_and_leave()?;
    // SAFETY: plain system call.
    if unsafe { libc::setsid() } < 0 {
        return Err(io::Error::last_os_error());
    }
    // The second fork gives up the leadership of the session: no terminal can be acquired by accident.
    fork_and_leave()?;
    // SAFETY: the path is a constant C string; descriptors 0 to 2 are the standard streams.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        if null >= 0 {
            libc::dup2(null, 0);
            libc::dup2(null, 1);
            libc::dup2(null, 2);
            if null > 2 {
                libc::close(null);
            }
        }
    }
    Ok(())
}

fn fork_and_leave() -> io::Result<()> {
    // SAFETY: the caller promises that this is the only thread, so the child is complete.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(()),
        // SAFETY: ends the parent without running its destructors, which belong to the child now.
        _ => unsafe { libc::_exit(0) },
    }
}

/// Writes this process's number to `path`, one line.
pub fn write_pid_file(path: &Path) -> io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    writeln!(file, "{}", std::process::id())
}
