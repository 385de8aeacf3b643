//! Figures that only the kernel knows of this process: memory, CPU time; and seeds from its random generator.
//!
//! Used by `node/` about once a second. `resident_bytes` reads a file: from the helper thread only.
//! Ref: getrusage(2), proc_pid_statm(5), sysinfo(2), getrandom(2).
#![allow(unsafe_code)]

/// Names this boot of the machine; empty if the kernel does not say.
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_string()).unwrap_or_default()
}

/// CPU time in microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuTime {
    pub process_user: u64,
    pub process_system: u64,
    pub thread_user: u64,
    pub thread_system: u64,
}

/// CPU time of the process and of the calling thread.
pub fn cpu_time() -> CpuTime {
    let (process, thread) = (usage(libc::RUSAGE_SELF), usage(libc::RUSAGE_THREAD));
    CpuTime { process_user: process.0, process_system: process.1, thread_user: thread.0, thread_system: thread.1 }
}

/// CPU time of the calling thread in nanoseconds, to the moment. One system call.
pub fn thread_nanos() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call only writes to the timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// CPU time of any process in nanoseconds, to the moment; `None` if there is no such process.
/// Ref: clock_getcpuclockid(3): the number of a process's clock is made of its own
pub fn cpu_nanos_of(pid: u32) -> Option<u64> {
    const SCHED: libc::clockid_t = 2;
    // 0 would be this process, and what does not fit the clock's number another clock.
    if pid == 0 || pid >= 1 << 28 {
        return None;
    }
    let clock = (!(pid as i32)) << 3 | SCHED;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call only writes to the timespec.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) } != 0;
    (!failed).then_some(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

fn usage(who: i32) -> (u64, u64) {
    // SAFETY: all zero is a valid rusage, and getrusage only writes to it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(who, &mut usage);
        usage
    };
    let micros = |t: libc::timeval| t.tv_sec as u64 * 1_000_000 + t.tv_usec as u64;
    (micros(usage.ru_utime), micros(usage.ru_stime))
}

/// Resident memory of the process, bytes; 0 if /proc cannot be read.
pub fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
    // SAFETY: plain call without pointers.
    pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(0) as u64
}

/// Memory of the machine, bytes.
pub fn system_bytes() -> u64 {
    // SAFETY: all zero is a valid sysinfo, and the call only writes to it.
    unsafe {
        let mut info: libc::sysinfo = std::mem::zeroed();
        libc::sysinfo(&mut info);
        info.totalram * u64::from(info.mem_unit)
    }
}

/// Has the kernel back this process's memory with small pages, except where huge ones are asked for: with huge pages a few touched
/// bytes cost 2 MiB. Kernels before 6.18 know no exception, so the arenas do without there; those without huge pages refuse,
/// which is as good. Ref: prctl(2), PR_SET_THP_DISABLE
pub fn disable_huge_pages() {
    const EXCEPT_ADVISED: libc::c_ulong = 2;
    // SAFETY: plain calls without pointers.
    unsafe {
        if libc::prctl(libc::PR_SET_THP_DISABLE, 1, EXCEPT_ADVISED, 0, 0) != 0 {
            libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
        }
    }
}

/// Eight random bytes of the kernel's generator.
pub fn entropy() -> u64 {
    let mut bytes = [0u8; 8];
    // SAFETY: the buffer has the length given; up to 256 bytes are never interrupted or cut.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), 8, 0) };
    assert_eq!(got, 8, "the kernel gives random bytes");
    u64::from_le_bytes(bytes)
}
