//! Listening sockets: TCP over both families, one socket a core on the same port, and the Unix socket.
//!
//! Used at start-up, before the cores run, and by `net.rs` for addresses. With several cores every core has a socket
//! of its own on the port (SO_REUSEPORT; the kernel spreads connections by hash). SO_REUSEPORT would also let a second
//! server of the same user share the port unnoticed; so the port is tried without it first.
//!
//! Invariants: sockets are blocking (the ring waits for them; a non-blocking one would complete with EAGAIN) and
//! close-on-exec. TCP_NODELAY and keepalive are set on the listener: accepted sockets inherit them on Linux, which
//! saves five system calls a connection.
//!
//! Ref: socket(7), tcp(7), ipv6(7), unix(7); messages as redis-server 7.2 prints them.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use crate::io::{Peer, Refused, errno_text};

/// What to listen on with TCP.
#[derive(Clone, Debug)]
pub struct TcpOpts {
    /// Addresses as in the `bind` directive: a host or address, `*` (all IPv4) or `::*` (all IPv6); a leading `-` means
    /// that an address this machine does not have is skipped.
    pub bind: Vec<String>,
    /// 0 lets the kernel choose.
    pub port: u16,
    /// Connections that wait to be accepted; the kernel caps it at net.core.somaxconn.
    pub backlog: u32,
    /// Seconds, 0 = off.
    pub keepalive: u32,
    /// Sockets on every address; each goes to one core.
    pub cores: usize,
}

/// Listening sockets, ready for `Reactor::listen`.
#[derive(Debug)]
pub struct TcpSockets {
    /// For every core one socket an address.
    pub by_core: Vec<Vec<OwnedFd>>,
    /// What is really listened on.
    pub addresses: Vec<SocketAddr>,
    /// Log lines about skipped addresses.
    pub warnings: Vec<String>,
}

/// Why listening failed: the lines redis-server writes, in order; the last one is the reason for the exit.
#[derive(Debug)]
pub struct ListenError(pub Vec<String>);

/// Opens the TCP sockets of all cores.
///
/// An address whose family the kernel does not know, or an optional one that the machine lacks, is skipped with a
/// warning. Everything else is an error, above all a port in use, also by another server that shares its port.
pub fn tcp(opts: &TcpOpts) -> Result<TcpSockets, ListenError> {
    let mut sockets = TcpSockets { by_core: (0..opts.cores).map(|_| Vec::new()).collect(), addresses: Vec::new(), warnings: Vec::new() };
    let mut port = opts.port;
    for bind in &opts.bind {
        let (name, optional) = match bind.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (bind.as_str(), false),
        };
        match patiently(|| tcp_one(name, port, opts)) {
            Ok((list, address)) => {
                port = address.port();
                sockets.addresses.push(address);
                for (core, socket) in sockets.by_core.iter_mut().zip(list) {
                    core.push(socket);
                }
            }
            Err((what, errno)) => {
                sockets.warnings.push(format!("Warning: Could not create server TCP listening socket {name}:{port}: {what}"));
                let no_address = errno == libc::EADDRNOTAVAIL && optional;
                let no_family = matches!(
                    errno,
                    libc::ENOPROTOOPT | libc::EPROTONOSUPPORT | libc::ESOCKTNOSUPPORT | libc::EPFNOSUPPORT | libc::EAFNOSUPPORT
                );
                if !no_address && !no_family {
                    let mut lines = sockets.warnings;
                    lines.push(format!("Failed listening on port {port} (tcp), aborting."));
                    return Err(ListenError(lines));
                }
            }
        }
    }
    Ok(sockets)
}

type Failure = (String, i32);

/// Tries again for a moment while the port is in use: the kernel takes the rings of a process that has ended apart later than the
/// process, and until then its sockets listen. Whoever restarts a server shall not have to know.
fn patiently<T>(mut open: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    const TRIES: u32 = 40;
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(10);
    let mut tries = 1;
    loop {
        match open() {
            Err((_, libc::EADDRINUSE)) if tries < TRIES => {
                tries += 1;
                std::thread::sleep(PAUSE);
            }
            result => return result,
        }
    }
}

fn failure(what: &str, error: &io::Error) -> Failure {
    let errno = error.raw_os_error().unwrap_or(0);
    (format!("{what}: {}", errno_text(errno)), errno)
}

/// The sockets of one address, one a core.
fn tcp_one(name: &str, port: u16, opts: &TcpOpts) -> Result<(Vec<OwnedFd>, SocketAddr), Failure> {
    let address = resolve(name, port)?;
    if opts.cores > 1 {
        drop(bound(address, false)?);
    }
    let mut list = Vec::with_capacity(opts.cores);
    let mut address = address;
    for _ in 0..opts.cores {
        let socket = bound(address, opts.cores > 1)?;
        let fd = socket.as_raw_fd();
        let _ = set(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1);
        let _ = keepalive(fd, opts.keepalive);
        let backlog = i32::try_from(opts.backlog).unwrap_or(i32::MAX);
        // SAFETY: plain system call on an open descriptor.
        if unsafe { libc::listen(fd, backlog) } < 0 {
            return Err(failure("listen", &io::Error::last_os_error()));
        }
        if let Peer::Tcp(real) = ends(fd).1 {
            address = real;
        }
        list.push(socket);
    }
    Ok((list, address))
}

fn resolve(name: &str, port: u16) -> Result<SocketAddr, Failure> {
    match name {
        "*" => return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)),
        "::*" => return Ok(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)),
        _ => {}
    }
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, port));
    }
    (name, port)
        .to_socket_addrs()
        .ok()
        .and_then(|mut all| all.find(SocketAddr::is_ipv4))
        .ok_or_else(|| ("Name or service not known".to_string(), 0))
}

/// A bound, not yet listening socket.
fn bound(address: SocketAddr, shared: bool) -> Result<OwnedFd, Failure> {
    let family = if address.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
    // SAFETY: plain system call; the result is checked below.
    let fd = unsafe { libc::socket(family, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(failure("socket", &io::Error::last_os_error()));
    }
    // SAFETY: just created, owned by nobody else.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    let check = |result: io::Result<()>| result.map_err(|error| failure("setsockopt", &error));
    check(set(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1))?;
    if shared {
        check(set(fd, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1))?;
    }
    if address.is_ipv6() {
        check(set(fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1))?;
    }
    let (storage, len) = to_raw(address);
    // SAFETY: `storage` is a socket address of `len` bytes, alive during the call.
    if unsafe { libc::bind(fd, (&raw const storage).cast(), len) } < 0 {
        return Err(failure("bind", &io::Error::last_os_error()));
    }
    Ok(socket)
}

fn to_raw(address: SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    // SAFETY: all zero is a valid sockaddr_storage.
    let mut storage: libc::sockaddr_storage = unsafe { zeroed() };
    match address {
        SocketAddr::V4(v4) => {
            let raw = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                sin_zero: [0; 8],
            };
            // SAFETY: sockaddr_storage is larger than and aligned for every socket address.
            unsafe { (&raw mut storage).cast::<libc::sockaddr_in>().write(raw) };
            (storage, size_of::<libc::sockaddr_in>() as libc::socklen_t)
        }
        SocketAddr::V6(v6) => {
            let raw = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: v6.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            };
            // SAFETY: as above.
            unsafe { (&raw mut storage).cast::<libc::sockaddr_in6>().write(raw) };
            (storage, size_of::<libc::sockaddr_in6>() as libc::socklen_t)
        }
    }
}

fn from_raw(storage: &libc::sockaddr_storage) -> Peer {
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that a sockaddr_in stands here; the storage is aligned for it.
            let raw = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(raw.sin_addr.s_addr.to_ne_bytes());
            Peer::Tcp(SocketAddr::new(IpAddr::V4(ip), u16::from_be(raw.sin_port)))
        }
        libc::AF_INET6 => {
            // SAFETY: as above, a sockaddr_in6.
            let raw = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(raw.sin6_addr.s6_addr);
            Peer::Tcp(SocketAddr::new(IpAddr::V6(ip), u16::from_be(raw.sin6_port)))
        }
        _ => Peer::Unix,
    }
}

/// The two ends of a connected socket: the peer's and ours. An end that has gone is given as 0.0.0.0:0.
pub fn ends(fd: RawFd) -> (Peer, Peer) {
    type Ask = unsafe extern "C" fn(i32, *mut libc::sockaddr, *mut libc::socklen_t) -> i32;
    let ask = |call: Ask| {
        // SAFETY: all zero is a valid sockaddr_storage.
        let mut storage: libc::sockaddr_storage = unsafe { zeroed() };
        let mut len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        // SAFETY: `storage` has room for `len` bytes; both live during the call.
        let done = unsafe { call(fd, (&raw mut storage).cast(), &mut len) };
        if done < 0 {
            return Peer::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        }
        from_raw(&storage)
    };
    (ask(libc::getpeername), ask(libc::getsockname))
}

fn set(fd: RawFd, level: i32, option: i32, value: i32) -> io::Result<()> {
    // SAFETY: the option is an int; the value lives during the call.
    let done = unsafe { libc::setsockopt(fd, level, option, (&raw const value).cast(), size_of::<i32>() as libc::socklen_t) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sets TCP keepalive on a socket: first probe after `seconds`, then three probes a third of that apart. 0 turns it off.
pub fn keepalive(fd: RawFd, seconds: u32) -> io::Result<()> {
    set(fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE, i32::from(seconds > 0))?;
    if seconds == 0 {
        return Ok(());
    }
    // The kernel's own bounds are 1..=32767.
    let idle = seconds.clamp(1, 32_767) as i32;
    set(fd, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, idle)?;
    set(fd, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, (idle / 3).max(1))?;
    set(fd, libc::IPPROTO_TCP, libc::TCP_KEEPCNT, 3)
}

/// Prepares a connected TCP socket that was not accepted here (a link to another server): no delay, keepalive.
pub fn tune(fd: RawFd, keepalive_seconds: u32) -> io::Result<()> {
    set(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
    keepalive(fd, keepalive_seconds)
}

/// Opens the Unix socket at `path`; `permissions` as in `unixsocketperm` (0 = what the umask gives).
///
/// A socket file left behind is replaced; a file of another kind is not touched and the bind fails. The file has its
/// permissions before anyone can connect. Call it before other threads exist: the umask belongs to the process.
pub fn unix(path: &Path, permissions: u32, backlog: u32) -> Result<OwnedFd, Refused> {
    let refuse = |what: &str, error: &io::Error| {
        let text = errno_text(error.raw_os_error().unwrap_or(0));
        Refused(format!("Failed opening Unix socket: {what}: {text}"))
    };
    let bytes = path.as_os_str().as_bytes();
    // SAFETY: all zero is a valid sockaddr_un.
    let mut raw: libc::sockaddr_un = unsafe { zeroed() };
    if bytes.len() >= raw.sun_path.len() || CString::new(bytes).is_err() {
        return Err(Refused(format!(
            "Failed opening Unix socket: unix socket path too long ({}), must be under {}",
            bytes.len(),
            raw.sun_path.len()
        )));
    }
    raw.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (to, from) in raw.sun_path.iter_mut().zip(bytes) {
        *to = *from as libc::c_char;
    }
    if path.symlink_metadata().is_ok_and(|meta| meta.file_type().is_socket()) {
        let _ = std::fs::remove_file(path);
    }
    // SAFETY: plain system call; the result is checked below.
    let fd = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(refuse("socket", &io::Error::last_os_error()));
    }
    // SAFETY: just created, owned by nobody else.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    let mask = (permissions != 0).then(|| {
        // SAFETY: changes a number of this process; no other thread creates files yet.
        unsafe { libc::umask(!permissions & 0o777) }
    });
    // SAFETY: `raw` is a complete Unix address, alive during the call.
    let done = unsafe { libc::bind(fd, (&raw const raw).cast(), size_of::<libc::sockaddr_un>() as libc::socklen_t) };
    let error = io::Error::last_os_error();
    if let Some(mask) = mask {
        // SAFETY: as above.
        unsafe { libc::umask(mask) };
    }
    if done < 0 {
        return Err(refuse("bind", &error));
    }
    if permissions != 0 {
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(permissions));
    }
    // SAFETY: plain system call on an open descriptor.
    if unsafe { libc::listen(fd, i32::try_from(backlog).unwrap_or(i32::MAX)) } < 0 {
        return Err(refuse("listen", &io::Error::last_os_error()));
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    fn local(cores: usize) -> TcpSockets {
        let opts = TcpOpts { bind: vec!["127.0.0.1".to_string()], port: 0, backlog: 511, keepalive: 300, cores };
        tcp(&opts).unwrap()
    }

    #[test]
    fn a_second_server_on_the_port_is_refused_with_the_words_of_redis() {
        for (first, second) in [(1, 1), (2, 1), (1, 2), (2, 2)] {
            let held = local(first);
            let address = held.addresses[0];
            let opts = TcpOpts { bind: vec!["127.0.0.1".to_string()], port: address.port(), backlog: 511, keepalive: 0, cores: second };
            let port = address.port();
            assert_eq!(
                tcp(&opts).unwrap_err().0,
                [
                    format!("Warning: Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address already in use"),
                    format!("Failed listening on port {port} (tcp), aborting."),
                ]
            );
        }
    }

    #[test]
    fn an_optional_address_that_is_not_here_is_skipped() {
        let opts = TcpOpts { bind: vec!["-192.0.2.77".to_string(), "127.0.0.1".to_string()], port: 0, backlog: 16, keepalive: 0, cores: 2 };
        let sockets = tcp(&opts).unwrap();
        assert_eq!(sockets.warnings.len(), 1);
        assert!(sockets.warnings[0].ends_with("bind: Cannot assign requested address"));
        assert_eq!(sockets.by_core.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
        let must = TcpOpts { bind: vec!["192.0.2.77".to_string()], ..opts };
        assert!(tcp(&must).is_err());
    }

    #[test]
    fn accepted_sockets_inherit_no_delay_and_keepalive() {
        let mut sockets = local(1);
        let address = sockets.addresses[0];
        let listener = TcpListener::from(sockets.by_core[0].remove(0));
        let _client = TcpStream::connect(address).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert!(accepted.nodelay().unwrap());
        let mut idle = 0i32;
        let mut len = 4;
        // SAFETY: the option is an int.
        let done =
            unsafe { libc::getsockopt(accepted.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, (&raw mut idle).cast(), &mut len) };
        assert_eq!((done, idle), (0, 300));
    }

    #[test]
    fn a_unix_socket_replaces_a_stale_one_but_no_other_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("ringfort-io-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("socket");
        drop(unix(&path, 0o700, 16).unwrap());
        let _socket = unix(&path, 0o770, 16).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o770);
        let file = folder.join("file");
        std::fs::write(&file, b"precious").unwrap();
        let refused = unix(&file, 0, 16).unwrap_err();
        assert_eq!(refused.0, "Failed opening Unix socket: bind: Address already in use");
        assert!(unix(&folder.join("x".repeat(200)), 0, 16).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
