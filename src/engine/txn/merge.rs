//! The replies of a command's parts become the one reply of the command.

use super::plan::{Planned, Where};
use crate::engine::{run, worker::Worker};
use crate::keyspace::slots;
use crate::proto::{encode::Out, reply};
use crate::spec::{Args, Call, Merge, call::Origin};

impl Worker {
    /// The reply of a command from its parts (`(core, bytes)`, in core order).
    pub(in crate::engine) fn merged(
        &mut self,
        command: &Planned,
        parts: &[(usize, &[u8])],
        home: Option<usize>,
        origin: Origin,
    ) -> Vec<u8> {
        let is_whole = matches!(command.place, Where::One(_));
        if let (true, [(_, one)]) = (is_whole, parts) {
            return one.to_vec();
        }
        let merge = command.merge(&self.shard);
        if !matches!(merge, Merge::Custom(_))
            && let Some((_, error)) = parts.iter().find(|(_, p)| p.first() == Some(&b'-'))
        {
            return error.to_vec();
        }
        let mut out = Out { buf: Vec::new(), resp3: command.is_resp3 };
        match merge {
            Merge::AllOk => out.ok(),
            Merge::Sum => out.int(parts.iter().map(|(_, p)| integer(p)).sum()),
            Merge::Concat => {
                out.array(parts.iter().map(|(_, p)| elements(p).1).sum());
                parts.iter().for_each(|(_, p)| out.raw(elements(p).0));
            }
            Merge::ByKey => self.by_key(command, parts, &mut out),
            Merge::Custom(f) => {
                let replies: Vec<&[u8]> = parts.iter().map(|(_, p)| *p).collect();
                let spec = self.shard.server.commands.row(command.row).spec;
                let (args, shard, now) = (command.words.args(), &mut self.shard, self.now);
                let mut call = Call { spec, args, out: &mut out, shard, db: command.db, now, origin, home, hint: None };
                if let Err(refusal) = f(&mut call, &replies) {
                    out.error_bytes(refusal.as_bytes());
                }
            }
        }
        out.buf
    }

    /// Elements back in the order of the keys.
    fn by_key(&mut self, command: &Planned, parts: &[(usize, &[u8])], out: &mut Out) {
        let spec = self.shard.server.commands.row(command.row).spec;
        let args = command.words.args();
        let mut places = Vec::new();
        // The same extraction succeeded when the command was planned.
        let _ = crate::spec::keys::positions(spec, &args, &mut places);
        let mut rest: Vec<(usize, &[u8])> = parts.iter().map(|(core, p)| (*core, elements(p).0)).collect();
        out.array(places.len());
        for (at, _) in places {
            let core = slots::owner_of(slots::slot_of(args.get(at as usize)), self.shard.cores);
            let Some((_, bytes)) = rest.iter_mut().find(|(c, _)| *c == core) else { continue };
            let len = reply::skip(bytes).unwrap_or(bytes.len());
            out.raw(&bytes[..len]);
            *bytes = &bytes[len..];
        }
    }

    /// A command of all cores run where there is only this one: its part, then its merge. In MULTI its effects belong to the block.
    pub(in crate::engine) fn every_here(
        &mut self,
        i: usize,
        (row, args): (u16, &Args),
        (db, is_resp3): (usize, bool),
        in_multi: bool,
    ) -> Vec<u8> {
        let origin = crate::engine::origin(&self.shard.clients[i], in_multi);
        let mut part = Out { buf: Vec::new(), resp3: is_resp3 };
        let job = run::Job { row, args: *args, db, now: self.now, origin, home: None, hint: None };
        run::run_part(&mut self.shard, &mut part, &job);
        let command = super::plan::plan(&self.shard, row, args, db, is_resp3);
        let reply = self.merged(&command, &[(self.shard.core, &part.buf)], Some(i), origin);
        run::count_merged(&mut self.shard, row, &reply);
        reply
    }
}

/// The number of an integer reply.
fn integer(reply: &[u8]) -> i64 {
    let digits = reply.strip_prefix(b":").and_then(|r| r.strip_suffix(b"\r\n")).unwrap_or(b"0");
    crate::base::num::parse_i64(digits).unwrap_or(0)
}

/// What stands behind the header of an array, set or map reply, and the number of its header.
fn elements(reply: &[u8]) -> (&[u8], usize) {
    let Some(end) = memchr::memchr(b'\n', reply) else { return (b"", 0) };
    let count = reply.get(1..end.saturating_sub(1)).and_then(crate::base::num::parse_i64).unwrap_or(0);
    (&reply[end + 1..], count.max(0) as usize)
}
