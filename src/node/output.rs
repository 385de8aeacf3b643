//! Output of connections: one send in flight each, back-pressure, limits, and closing when the last reply has left.

use super::core::Core;
use crate::engine::conn::REPLY_BYTES;
use crate::io::ConnId;

/// Turns for which the first replies of a pipeline wait for those that other cores are about to send, so that all leave together.
const WITHHOLD_TURNS: u64 = 8;
/// Output buffers kept for reuse, and the largest that is kept.
const SPARE_MAX: usize = 64;
const SPARE_BYTES_MAX: usize = 64 * 1024;
/// Unsent output at which nothing more is read from a connection until it has drained.
pub const FULL_BYTES: usize = 1 << 20;
/// Unsent output that a client may cause before it has logged in.
const UNAUTHENTICATED_MAX: usize = 64 * 1024;

impl Core {
    /// Gives an idle connection an output buffer that came back from the kernel, so that its replies need no new memory.
    pub fn lend_output(&mut self, i: usize) {
        if let Some(conn) = self.worker.conns.get(i)
            && conn.out.buf.capacity() == 0
            && let Some(buf) = self.spare.pop()
        {
            conn.out.buf = buf;
        }
    }

    /// Does what is due for a connection after a turn: sends, stops reading, closes.
    pub fn settle(&mut self, i: usize) {
        let Some(id) = self.ids.get(i).copied().flatten() else { return };
        let (position, acked) = (self.worker.position(), self.worker.acked());
        let Some(conn) = self.worker.conns.get(i) else { return };
        let Some(client) = self.worker.shard.clients.get_mut(i) else { return };
        client.note_output(conn.out.buf.len(), self.now.wall_ms(), self.worker.shard.debug.reply_buffer_peak_reset_ms);
        if client.close_now {
            conn.is_deaf = true;
            self.reactor.close(id);
            return;
        }
        if !client.is_authenticated && conn.output_bytes() > UNAUTHENTICATED_MAX {
            self.worker.shard.stats.unauthenticated_rejections += 1;
            self.reactor.close(id);
            return;
        }
        if conn.sending == 0 && !conn.out.buf.is_empty() && conn.awaits_more() && self.turns < conn.withheld_until.unwrap_or(u64::MAX) {
            if conn.withheld_until.is_none() {
                conn.withheld_until = Some(self.turns + WITHHOLD_TURNS);
                self.withheld.push(i);
            }
        } else if !conn.out.buf.is_empty() {
            let free = conn.gate(position, acked);
            if free < conn.out.buf.len() && !conn.is_gated {
                conn.is_gated = true;
                self.gated.push(i);
            }
            if conn.sending == 0 && free > 0 {
                conn.withheld_until = None;
                let buf = conn.take_output(free);
                conn.sending = buf.len();
                self.worker.shard.stats.net_output_bytes += buf.len() as u64;
                client.total_out += buf.len() as u64;
                self.reactor.send(id, buf);
            }
        } else if conn.out.buf.is_empty() && conn.out.buf.capacity() > 0 {
            keep(&mut self.spare, std::mem::take(&mut conn.out.buf));
        }
        // The words of a ticket are elsewhere, but they are not answered yet.
        client.input_bytes = if conn.tickets > 0 { client.input_bytes.max(conn.input.len()) } else { conn.input.len() };
        client.input_free = conn.input.capacity() - conn.input.len();
        client.output = conn.output();
        if conn.output_bytes() >= FULL_BYTES && !conn.is_full {
            conn.is_full = true;
            self.reactor.pause_recv(id);
        }
        self.check_limit(i, id);
        self.close_if_done(i, id);
    }

    /// A send ended.
    pub fn was_sent(&mut self, conn: ConnId, buf: Vec<u8>, result: Result<(), i32>) {
        keep(&mut self.spare, buf);
        let Some(i) = self.client_of(conn) else { return };
        let Some(c) = self.worker.conns.get(i) else { return };
        c.sending = 0;
        let client = &mut self.worker.shard.clients[i];
        client.output = c.output();
        client.close_now |= result.is_err();
        if c.is_full && c.output_bytes() < FULL_BYTES {
            c.is_full = false;
            self.reactor.resume_recv(conn);
        }
        self.worker.look_again(i);
        self.worker.mark_dirty(i);
    }

    /// client-output-buffer-limit of the class normal.
    fn check_limit(&mut self, i: usize, id: ConnId) {
        let limit = self.worker.shard.config.client_output_buffer_limit.normal;
        let now = self.now.mono_ms();
        let Some(conn) = self.worker.conns.get(i) else { return };
        // What fits into one reply buffer is not what the limit is for.
        let bytes = Some(conn.output_bytes()).filter(|bytes| *bytes > REPLY_BYTES).unwrap_or(0) as u64;
        let is_over_soft = limit.soft_bytes > 0 && bytes > limit.soft_bytes;
        if !is_over_soft {
            conn.over_soft_since = 0;
        } else if conn.over_soft_since == 0 {
            conn.over_soft_since = now.max(1);
        }
        let is_soft_up = is_over_soft && now - conn.over_soft_since > limit.soft_seconds * 1000;
        if (limit.hard_bytes > 0 && bytes > limit.hard_bytes) || is_soft_up {
            conn.is_deaf = true;
            self.worker.shard.stats.output_buffer_disconnections += 1;
            let addr = self.worker.shard.clients[i].addr.clone();
            self.log.warning(&format!("Client {addr} closed for overcoming of output buffer limits."));
            self.reactor.close(id);
        }
    }

    /// Closes a connection that has nothing more to get: its peer sends no more, or it is to be closed after its reply.
    fn close_if_done(&mut self, i: usize, id: ConnId) {
        let Some(conn) = self.worker.conns.get(i) else { return };
        let has_output = conn.sending > 0 || !conn.out.buf.is_empty();
        let ends = self.worker.shard.clients[i].close_after_reply;
        let is_drained = conn.is_closing && !conn.is_listed && !conn.is_stalled;
        // A client that waits and hangs up gets nothing any more, so nothing may be taken out for it.
        let waits = conn.is_closing && conn.wait.is_some();
        if waits || (!has_output && conn.is_idle() && (ends || is_drained)) {
            self.reactor.close(id);
        }
    }
}

fn keep(spare: &mut Vec<Vec<u8>>, buf: Vec<u8>) {
    if spare.len() < SPARE_MAX && buf.capacity() > 0 && buf.capacity() <= SPARE_BYTES_MAX {
        spare.push(buf);
    }
}
