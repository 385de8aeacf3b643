//! New connections: limits, protected mode, which core serves them.
//!
//! The kernel spreads connections over the cores' listeners by hash, which is uneven for few of them: a core that has more than
//! its share hands a new one to the core that has fewest.

use super::core::Core;
use crate::base::ring::{Receiver, Sender, ring};
use crate::io::{ConnId, Peer};
use crate::spec::{Refusal, client::Client};
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;

/// Listener tags: TCP addresses count from 0; these stand apart.
pub const TAG_UNIX: u8 = 200;
pub const TAG_CORE: u8 = 201;
/// Connections that can be on their way between two cores.
const HANDOVERS_MAX: usize = 256;

/// One core's ends of the rings for connections.
#[derive(Default)]
pub struct Handovers {
    out: Vec<Option<Sender<(OwnedFd, u8)>>>,
    inn: Vec<Receiver<(OwnedFd, u8)>>,
}

impl Handovers {
    /// Rings between all pairs of `cores` cores.
    pub fn mesh(cores: usize) -> Vec<Handovers> {
        let mut all: Vec<Handovers> = (0..cores).map(|_| Handovers::default()).collect();
        for from in 0..cores {
            for to in 0..cores {
                if from == to {
                    all[from].out.push(None);
                    continue;
                }
                let (sender, receiver) = ring(HANDOVERS_MAX);
                all[from].out.push(Some(sender));
                all[to].inn.push(receiver);
            }
        }
        all
    }
    /// Whether a connection arrived.
    pub fn has_news(&mut self) -> bool {
        self.inn.iter_mut().any(Receiver::has_news)
    }
}

impl Core {
    /// A connection came in at this core.
    pub fn accepted(&mut self, conn: ConnId, listener: u8, peer: Peer, local: Peer) {
        if listener != TAG_CORE
            && let Some(core) = self.less_loaded()
            && let Some(fd) = self.reactor.detach(conn)
        {
            if let Some(sender) = self.handovers.out[core].as_mut() {
                match sender.push((fd, listener)) {
                    Ok(()) => {
                        self.common.connections[core].fetch_add(1, Ordering::Relaxed);
                        self.reactor.wake(core);
                        return;
                    }
                    Err((fd, listener)) => {
                        let conn = self.reactor.adopt(fd, listener);
                        self.common.connections[self.core].fetch_add(1, Ordering::Relaxed);
                        return self.admit(conn, peer, local);
                    }
                }
            }
            return;
        }
        self.common.connections[self.core].fetch_add(1, Ordering::Relaxed);
        self.admit(conn, peer, local);
    }

    /// Takes in the connections that other cores handed over.
    pub fn take_handovers(&mut self) {
        for n in 0..self.handovers.inn.len() {
            while let Some((fd, listener)) = self.handovers.inn[n].pop() {
                let conn = self.reactor.adopt(fd, listener);
                let ends = self.reactor.ends_of(conn).unwrap_or((Peer::Unix, Peer::Unix));
                self.admit(conn, ends.0, ends.1);
            }
        }
    }

    /// The core with fewest connections, if this one has clearly more.
    fn less_loaded(&self) -> Option<usize> {
        let counts = &self.common.connections;
        let mine = counts[self.core].load(Ordering::Relaxed);
        let (core, least) = counts.iter().map(|c| c.load(Ordering::Relaxed)).enumerate().min_by_key(|(_, n)| *n)?;
        (mine > least).then_some(core)
    }

    fn admit(&mut self, conn: ConnId, peer: Peer, local: Peer) {
        let shard = &mut self.worker.shard;
        shard.stats.connections_received += 1;
        let config = &shard.config;
        let is_unix = matches!(peer, Peer::Unix);
        let is_local = match peer {
            Peer::Unix => true,
            Peer::Tcp(addr) => addr.ip().to_canonical().is_loopback(),
        };
        let needs_password = !config.requirepass.is_empty();
        let path = format!("{}:0", String::from_utf8_lossy(&config.unixsocket));
        let text = |p: Peer| match p {
            Peer::Unix => path.clone(),
            Peer::Tcp(addr) => addr.to_string(),
        };
        let server = shard.server;
        let count = server.clients.fetch_add(1, Ordering::Relaxed) + 1;
        let refusal = if count > u64::from(config.maxclients) {
            shard.stats.rejected_connections += 1;
            Some(Refusal::MAX_CLIENTS)
        } else if config.protected_mode && !needs_password && !is_local {
            shard.stats.rejected_connections += 1;
            Some(Refusal::PROTECTED_MODE)
        } else {
            None
        };
        let client = Client {
            addr: text(peer),
            laddr: text(local),
            fd: self.reactor.fd_of(conn).unwrap_or(-1),
            is_authenticated: !needs_password,
            is_unix,
            is_local,
            close_after_reply: refusal.is_some(),
            ..Client::new(server.next_client.fetch_add(1, Ordering::Relaxed), self.now.wall_ms())
        };
        let i = self.worker.open(client);
        let at = conn.index() as usize;
        if self.clients.len() <= at {
            self.clients.resize(at + 1, None);
        }
        self.clients[at] = Some(i);
        if self.ids.len() <= i {
            self.ids.resize(i + 1, None);
        }
        self.ids[i] = Some(conn);
        match refusal {
            None => self.reactor.start(conn),
            Some(refusal) => {
                if let Some(c) = self.worker.conns.get(i) {
                    c.is_deaf = true;
                    c.out.error_bytes(refusal.as_bytes());
                }
                self.worker.mark_dirty(i);
            }
        }
    }

    /// The kernel is done with a connection.
    pub fn freed(&mut self, conn: ConnId) {
        let Some(i) = self.client_of(conn) else { return };
        self.clients[conn.index() as usize] = None;
        self.ids[i] = None;
        self.worker.close(i);
        self.common.connections[self.core].fetch_sub(1, Ordering::Relaxed);
        self.worker.shard.server.clients.fetch_sub(1, Ordering::Relaxed);
    }
}
