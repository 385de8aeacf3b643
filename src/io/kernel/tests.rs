//! The reactor against std's sockets: an echo server on a glommio thread, clients on plain threads.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::executor::{Cores, Placement, run_cores};
use super::listen::{TcpOpts, tcp};
use super::{Reactor, Waker};
use crate::io::{ConnId, Counters, Event, Hangup, Opts, Part, Peer, Wait};

/// How the server under test behaves.
#[derive(Clone, Copy)]
struct Server {
    opts: Opts,
    /// Buffers are kept this long before they are recycled.
    hold_turns: usize,
    /// Above this many bytes a message (8-byte little-endian length, body) is received with `recv_into`.
    framed: bool,
    /// Answers every message with this many bytes instead of an echo, in parts.
    answer: usize,
}

const ECHO: Server = Server { opts: Opts { entries: 64, buffers: 64, buffer_bytes: 4096 }, hold_turns: 0, framed: false, answer: 0 };

#[derive(Default)]
struct Client {
    out: Vec<u8>,
    sending: bool,
    eof: bool,
    spill: Vec<u8>,
    filling: bool,
}

struct Running {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    waker: Waker,
    cores: Cores<(Counters, usize)>,
}

impl Running {
    fn stop(self) -> (Counters, usize) {
        self.stop.store(true, Ordering::SeqCst);
        self.waker.wake(0);
        self.cores.join().unwrap().remove(0)
    }
}

fn sockets(cores: usize) -> (Vec<OwnedFd>, SocketAddr) {
    let opts = TcpOpts { bind: vec!["127.0.0.1".to_string()], port: 0, backlog: 511, keepalive: 300, cores };
    let mut sockets = tcp(&opts).unwrap();
    let list = sockets.by_core.iter_mut().map(|core| core.remove(0)).collect();
    (list, sockets.addresses[0])
}

fn start(server: Server) -> Running {
    let (mut list, address) = sockets(1);
    let listener = list.remove(0);
    let stop = Arc::new(AtomicBool::new(false));
    let waker = Waker::new(1).unwrap();
    let (stopped, own) = (stop.clone(), waker.clone());
    let mut given = Some((own, listener, stopped));
    let cores = run_cores(1, Placement::Pinned, |core| {
        let (waker, listener, stop) = given.take().unwrap();
        move || serve(server, Reactor::new(server.opts, waker, core).unwrap(), listener, stop)
    })
    .unwrap();
    Running { address, stop, waker, cores }
}

struct Echo {
    server: Server,
    reactor: Reactor,
    clients: Vec<Client>,
    held: Vec<Vec<crate::io::BufId>>,
}

async fn serve(server: Server, mut reactor: Reactor, listener: OwnedFd, stop: Arc<AtomicBool>) -> (Counters, usize) {
    reactor.listen(listener, 3);
    let mut echo = Echo { server, reactor, clients: Vec::new(), held: Vec::new() };
    let mut events = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let mut ready = || stop.load(Ordering::SeqCst);
        let wait = if echo.held.is_empty() { Wait::Until { timeout: None, ready: &mut ready } } else { Wait::Poll };
        echo.reactor.turn(wait, &mut events).unwrap();
        let mut now = Vec::new();
        for event in events.drain(..) {
            echo.handle(event, &mut now);
        }
        if !now.is_empty() || !echo.held.is_empty() {
            echo.held.insert(0, now);
        }
        while echo.held.len() > server.hold_turns {
            for buf in echo.held.pop().unwrap() {
                echo.reactor.recycle(buf);
            }
        }
    }
    (echo.reactor.counters(), echo.reactor.connections())
}

impl Echo {
    fn client(&mut self, conn: ConnId) -> &mut Client {
        let index = conn.index() as usize;
        if self.clients.len() <= index {
            self.clients.resize_with(index + 1, Client::default);
        }
        &mut self.clients[index]
    }

    fn handle(&mut self, event: Event, now: &mut Vec<crate::io::BufId>) {
        match event {
            Event::Accepted { conn, listener, peer, local } => {
                assert_eq!(listener, 3);
                let (Peer::Tcp(peer), Peer::Tcp(local)) = (peer, local) else {
                    panic!("not a TCP connection");
                };
                // A peer that has already reset the connection has no address any more.
                assert!(peer.port() == 0 || peer.ip() == local.ip());
                *self.client(conn) = Client::default();
                self.reactor.start(conn);
            }
            Event::Received { conn, buf, len } => {
                let data = self.reactor.bytes(&buf, len).to_vec();
                now.push(buf);
                if self.server.framed {
                    self.client(conn).spill.extend(data);
                    if !self.client(conn).filling {
                        self.client(conn).filling = true;
                        self.reactor.pause_recv(conn);
                    }
                } else {
                    self.client(conn).out.extend(data);
                    self.flush(conn);
                }
            }
            Event::Paused { conn } => self.fill(conn),
            Event::Filled { conn, buf, .. } => {
                self.client(conn).spill = buf;
                self.fill(conn);
            }
            Event::Sent { conn, buf, result } => {
                assert!(buf.is_empty());
                self.client(conn).sending = false;
                if result.is_ok() {
                    self.flush(conn);
                }
            }
            Event::Closed { conn, reason } => {
                if reason == Hangup::Eof {
                    self.client(conn).eof = true;
                    self.flush(conn);
                } else {
                    self.reactor.close(conn);
                }
            }
            Event::Freed { conn } => assert!(self.reactor.fd_of(conn).is_none()),
            Event::Wake => {}
            Event::AcceptFailed { errno, .. } => assert_eq!(errno, libc::EMFILE),
            Event::File { .. } => panic!("no file is open"),
        }
    }

    fn fill(&mut self, conn: ConnId) {
        let spill = std::mem::take(&mut self.client(conn).spill);
        let want = spill.get(..8).map_or(8, |head| 8 + u64::from_le_bytes(head.try_into().unwrap()) as usize);
        if spill.len() < want {
            let mut spill = spill;
            spill.reserve_exact(want - spill.len());
            let max = want - spill.len();
            self.reactor.recv_into(conn, spill, max);
            return;
        }
        let client = self.client(conn);
        client.out = spill;
        client.filling = false;
        self.reactor.resume_recv(conn);
        self.flush(conn);
    }

    fn flush(&mut self, conn: ConnId) {
        let answer = self.server.answer;
        let client = self.client(conn);
        if client.sending {
            return;
        }
        let out = std::mem::take(&mut client.out);
        if out.is_empty() {
            if client.eof {
                self.reactor.close(conn);
            }
            return;
        }
        client.sending = true;
        if answer > 0 {
            let shared = bytes::Bytes::from(vec![7u8; answer / 4]);
            let mut parts: Vec<Part> = (0..4).map(|_| Part::Shared(shared.clone())).collect();
            parts.extend((0..200).map(|i| Part::Owned(vec![8u8; i % 3])));
            self.reactor.send_parts(conn, parts);
        } else {
            self.reactor.send(conn, out);
        }
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// A deterministic byte stream.
fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}

/// Waits until `done`, at most twenty seconds.
fn eventually(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(20), "it never happened");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Every client writes all its data before it reads any of it.
fn talk(address: SocketAddr, clients: usize, bytes: usize) {
    let mut streams: Vec<_> = (0..clients).map(|_| connect(address)).collect();
    for (seed, stream) in streams.iter_mut().enumerate() {
        stream.write_all(&pattern(seed as u64, bytes)).unwrap();
    }
    for (seed, stream) in streams.iter_mut().enumerate() {
        let mut back = vec![0; bytes];
        stream.read_exact(&mut back).unwrap();
        assert!(back == pattern(seed as u64, bytes), "client {seed}");
    }
}

#[test]
fn two_hundred_connections_get_their_own_bytes_back() {
    let running = start(Server { opts: Opts::default(), ..ECHO });
    for _ in 0..5 {
        talk(running.address, 200, 3000);
    }
    let (counters, _) = running.stop();
    assert_eq!(counters.accepted, 1000);
    assert_eq!(counters.bytes_in, 5 * 200 * 3000);
    assert_eq!(counters.bytes_out, counters.bytes_in);
}

#[test]
fn more_in_flight_than_buffers_loses_nothing() {
    let tiny = Opts { entries: 8, buffers: 4, buffer_bytes: 4096 };
    let running = start(Server { opts: tiny, hold_turns: 20, ..ECHO });
    talk(running.address, 60, 30_000);
    let (counters, _) = running.stop();
    assert!(counters.starved > 0, "the test did not reach its case");
    assert_eq!(counters.bytes_in, 60 * 30_000);
}

#[test]
fn a_half_closed_client_gets_every_reply_and_then_the_end() {
    let running = start(ECHO);
    let mut stream = connect(running.address);
    let data = pattern(1, 200_000);
    stream.write_all(&data).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    assert!(back == data);
    let (_, left) = running.stop();
    assert_eq!(left, 0);
}

#[test]
fn a_reset_in_the_middle_frees_the_connection() {
    let running = start(Server { framed: true, ..ECHO });
    for framed in [false, true] {
        let mut stream = connect(running.address);
        if framed {
            stream.write_all(&1_000_000u64.to_le_bytes()).unwrap();
        }
        stream.write_all(&[1, 0]).unwrap();
        thread::sleep(Duration::from_millis(20));
        reset(stream);
    }
    talk_framed(running.address, 10);
    thread::sleep(Duration::from_millis(50));
    let (_, left) = running.stop();
    assert_eq!(left, 0);
}

/// Closes with RST instead of FIN.
#[allow(unsafe_code)]
fn reset(stream: TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: the option is a linger structure, alive during the call.
    let done = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of::<libc::linger>() as u32,
        )
    };
    assert_eq!(done, 0);
}

fn talk_framed(address: SocketAddr, bytes: usize) {
    let mut stream = connect(address);
    let mut data = (bytes as u64).to_le_bytes().to_vec();
    data.extend(pattern(9, bytes));
    let mut reader = stream.try_clone().unwrap();
    let expected = data.clone();
    let reading = thread::spawn(move || {
        let mut back = vec![0; expected.len()];
        reader.read_exact(&mut back).unwrap();
        assert!(back == expected);
    });
    stream.write_all(&data).unwrap();
    reading.join().unwrap();
}

#[test]
fn a_message_of_64_megabytes_goes_straight_into_its_buffer() {
    let running = start(Server { framed: true, ..ECHO });
    talk_framed(running.address, 64 << 20);
    talk_framed(running.address, 5);
    let (counters, _) = running.stop();
    assert!(counters.reads < 6000, "{} reads: not received in large pieces", counters.reads);
}

#[test]
fn a_slow_reader_gets_a_hundred_megabytes_in_order() {
    let running = start(Server { answer: 100 << 20, ..ECHO });
    let mut stream = connect(running.address);
    stream.write_all(b"go").unwrap();
    thread::sleep(Duration::from_millis(100));
    let (mut sevens, mut eights, mut piece) = (0, 0, vec![0; 300_000]);
    while sevens + eights < (100 << 20) + 199 {
        let n = stream.read(&mut piece).unwrap();
        assert!(n > 0);
        let first_eight = piece[..n].iter().position(|&b| b == 8).unwrap_or(n);
        assert!(piece[..first_eight].iter().all(|&b| b == 7) && (eights == 0 || first_eight == 0));
        assert!(piece[first_eight..n].iter().all(|&b| b == 8));
        sevens += first_eight;
        eights += n - first_eight;
    }
    assert_eq!((sevens, eights), (100 << 20, 199));
    let (counters, _) = running.stop();
    assert!(counters.writes > 50, "one send took more than its share: {}", counters.writes);
}

#[test]
fn a_peer_that_never_reads_does_not_keep_the_server_from_ending() {
    let running = start(Server { answer: 50 << 20, ..ECHO });
    let mut stream = connect(running.address);
    stream.write_all(b"go").unwrap();
    thread::sleep(Duration::from_millis(50));
    let (_, left) = running.stop();
    assert_eq!(left, 1);
}

#[test]
fn a_connection_can_move_to_another_core() {
    let (list, address) = sockets(1);
    let waker = Waker::new(2).unwrap();
    let mut first = Reactor::new(ECHO.opts, waker.clone(), 0).unwrap();
    let mut second = Reactor::new(ECHO.opts, waker, 1).unwrap();
    for listener in list {
        first.listen(listener, 0);
    }
    let mut stream = connect(address);
    stream.write_all(b"hello").unwrap();
    let mut events = Vec::new();
    let conn = loop {
        first.turn(Wait::Poll, &mut events).unwrap();
        if let Some(Event::Accepted { conn, .. }) = events.pop() {
            break conn;
        }
    };
    let fd = first.detach(conn).unwrap();
    assert_eq!((first.connections(), first.detach(conn).is_none()), (0, true));
    let conn = second.adopt(fd, 0);
    second.start(conn);
    assert!(second.detach(conn).is_none());
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < Duration::from_secs(10));
        second.turn(Wait::Poll, &mut events).unwrap();
        if let Some(Event::Received { buf, len, .. }) = events.pop() {
            assert_eq!(second.bytes(&buf, len), b"hello");
            second.recycle(buf);
            break;
        }
    }
    second.close(conn);
    second.close(conn);
    second.send(conn, vec![1]);
    eventually(|| {
        second.turn(Wait::Poll, &mut events).unwrap();
        matches!(events.pop(), Some(Event::Freed { conn: freed }) if freed == conn)
    });
    assert_eq!(second.buffers().in_use(), 0);
}

/// Two threads send each other a token; each sleeps in its ring until the other has woken it.
fn park_and_wake(rounds: u64) -> Duration {
    let waker = Waker::new(2).unwrap();
    let turns: Arc<[AtomicU64; 2]> = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let play = move |me: usize, waker: Waker, turns: Arc<[AtomicU64; 2]>| {
        let mut reactor = Reactor::new(ECHO.opts, waker.clone(), me).unwrap();
        let (mut events, mut worst) = (Vec::new(), Duration::ZERO);
        for round in 1..=rounds {
            let mut there = || turns[me].load(Ordering::Acquire) >= round;
            let start = Instant::now();
            if me == 0 {
                turns[1].store(round, Ordering::Release);
                // Both ways of waking, and some racing with the other's way to bed.
                if round.is_multiple_of(2) { waker.wake(1) } else { reactor.wake(1) }
            }
            while !there() {
                let wait = Wait::Until { timeout: Some(Duration::from_secs(5)), ready: &mut there };
                reactor.turn(wait, &mut events).unwrap();
                events.clear();
                assert!(start.elapsed() < Duration::from_secs(4), "slept through round {round}");
            }
            if me == 1 {
                turns[0].store(round, Ordering::Release);
                if round.is_multiple_of(3) {
                    waker.wake(0)
                } else {
                    reactor.wake(0)
                }
                reactor.turn(Wait::Poll, &mut events).unwrap();
            }
            worst = worst.max(start.elapsed());
        }
        worst
    };
    let other = (play, waker.clone(), turns.clone());
    let second = thread::spawn(move || other.0(1, other.1, other.2));
    let worst = play(0, waker, turns);
    second.join().unwrap().max(worst)
}

#[test]
fn no_wake_up_is_lost() {
    let rounds = std::env::var("RINGFORT_WAKE_ROUNDS").map_or(10_000, |n| n.parse().unwrap());
    let worst = park_and_wake(rounds);
    // A lost wake-up shows as the full timeout of five seconds. Milliseconds are the scheduler's.
    assert!(worst < Duration::from_secs(1), "{worst:?}");
}

#[test]
fn a_sleep_ends_at_its_timeout() {
    let mut reactor = Reactor::new(ECHO.opts, Waker::new(1).unwrap(), 0).unwrap();
    let (mut events, start) = (Vec::new(), Instant::now());
    while start.elapsed() < Duration::from_millis(20) {
        let timeout = Some(Duration::from_millis(20).saturating_sub(start.elapsed()));
        reactor.turn(Wait::Until { timeout, ready: &mut || false }, &mut events).unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(2));
    assert!(reactor.counters().enters < 10);
}

#[test]
fn pausing_holds_bytes_back_and_resuming_brings_them() {
    let (list, address) = sockets(1);
    let mut reactor = Reactor::new(ECHO.opts, Waker::new(1).unwrap(), 0).unwrap();
    for listener in list {
        reactor.listen(listener, 0);
    }
    let mut stream = connect(address);
    let mut events = Vec::new();
    let mut conn = None;
    eventually(|| {
        reactor.turn(Wait::Poll, &mut events).unwrap();
        if let Some(Event::Accepted { conn: new, .. }) = events.pop() {
            reactor.start(new);
            reactor.pause_recv(new);
            conn = Some(new);
        }
        conn.is_some()
    });
    let conn = conn.unwrap();
    eventually(|| {
        reactor.turn(Wait::Poll, &mut events).unwrap();
        matches!(events.pop(), Some(Event::Paused { .. }))
    });
    stream.write_all(b"later").unwrap();
    for _ in 0..20 {
        let timeout = Some(Duration::from_millis(1));
        reactor.turn(Wait::Until { timeout, ready: &mut || false }, &mut events).unwrap();
    }
    assert!(events.is_empty(), "{events:?}");
    reactor.resume_recv(conn);
    reactor.pause_recv(conn);
    reactor.resume_recv(conn);
    let mut got = Vec::new();
    eventually(|| {
        reactor.turn(Wait::Poll, &mut events).unwrap();
        for event in events.drain(..) {
            if let Event::Received { buf, len, .. } = event {
                got.extend_from_slice(reactor.bytes(&buf, len));
                reactor.recycle(buf);
            }
        }
        got == b"later"
    });
}

/// Runs in a process of its own, because it takes all descriptors away.
#[test]
#[allow(unsafe_code)]
fn running_out_of_descriptors_costs_no_time_and_heals() {
    if std::env::var("RINGFORT_EMFILE").is_err() {
        let done = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["running_out_of_descriptors_costs_no_time_and_heals", "--test-threads=1"])
            .env("RINGFORT_EMFILE", "1")
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
        return;
    }
    let (list, address) = sockets(1);
    let mut reactor = Reactor::new(ECHO.opts, Waker::new(1).unwrap(), 0).unwrap();
    let mut events = Vec::new();
    // The clients' descriptors exist before the limit falls, so that only the server meets it.
    // SAFETY: plain system calls; every descriptor is new and gets one owner.
    let clients: Vec<TcpStream> = (0..5)
        .map(|_| unsafe {
            let fd = libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0);
            assert!(fd >= 0);
            TcpStream::from_raw_fd(fd)
        })
        .collect();
    let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: fills and reads structures that live during the calls; descriptors above the new limit stay open.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut old), 0);
        let low = libc::rlimit { rlim_cur: 3, rlim_max: old.rlim_max };
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &low), 0);
    }
    for client in &clients {
        let raw = libc::sockaddr_in {
            sin_family: libc::AF_INET as u16,
            sin_port: address.port().to_be(),
            sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
            sin_zero: [0; 8],
        };
        // SAFETY: the address is complete and lives during the call.
        let done = unsafe { libc::connect(client.as_raw_fd(), (&raw const raw).cast(), size_of_val(&raw) as u32) };
        assert_eq!(done, 0);
    }
    let cpu = || {
        // SAFETY: all zero is a valid rusage; it is filled by the call.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_SELF, &mut usage);
            usage
        };
        (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
    };
    for listener in list {
        reactor.listen(listener, 0);
    }
    let (before, start) = (cpu(), Instant::now());
    while start.elapsed() < Duration::from_millis(500) {
        let timeout = Some(Duration::from_millis(500));
        reactor.turn(Wait::Until { timeout, ready: &mut || false }, &mut events).unwrap();
    }
    assert!(cpu() - before < 25_000, "{} us of 500,000", cpu() - before);
    assert!((2..10).contains(&reactor.counters().accept_errors), "{:?}", reactor.counters());
    assert_eq!(reactor.connections(), 0);
    // SAFETY: as above.
    unsafe { assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &old), 0) };
    eventually(|| {
        let timeout = Some(Duration::from_millis(500));
        reactor.turn(Wait::Until { timeout, ready: &mut || false }, &mut events).unwrap();
        reactor.connections() == clients.len()
    });
}

#[test]
fn a_storm_of_resets_leaves_other_connections_served() {
    let running = start(ECHO);
    let mut steady = connect(running.address);
    for round in 0..500u32 {
        reset(connect(running.address));
        if round.is_multiple_of(50) {
            steady.write_all(&round.to_le_bytes()).unwrap();
            let mut back = [0; 4];
            steady.read_exact(&mut back).unwrap();
            assert_eq!(back, round.to_le_bytes());
        }
    }
    drop(steady);
    talk(running.address, 1, 10);
    thread::sleep(Duration::from_millis(50));
    let (_, left) = running.stop();
    assert_eq!(left, 0);
}
