//! The home side of blocked calls: their time, who knows of them, the one decision who serves them.

use crate::engine::{
    link::{Answer, Back, Round, RoundKind, Words},
    probe::Fault,
    run,
    worker::Worker,
};
use crate::proto::encode::Out;
use crate::spec::{Refusal, client::Blocked};
use std::collections::BTreeSet;

/// How far the serving of a blocked call has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    Waiting,
    /// Its only owner may run it.
    Claimed,
    /// It is being run again as a ticket.
    Trying,
}

/// A blocked call of a connection of this core.
pub struct Wait {
    /// Where its reply goes.
    pub back: Back,
    /// The command.
    pub row: u16,
    /// Unix ms; 0 = never.
    pub until: i64,
    /// Cores that have it in a queue.
    pub owners: Vec<usize>,
    /// How far it is.
    pub stage: Stage,
    /// Owners that have said that a key is ready and got no answer.
    pub offers: Vec<usize>,
    /// How to run it again when its keys are on several cores.
    pub again: Option<Again>,
    /// It waits for no key: its only owner answers it later (WAIT, WAITAOF), and knows until when.
    pub is_put_off: bool,
}

impl Wait {
    /// Of a call that core `owner` answers later.
    pub fn put_off(back: Back, row: u16, owner: usize) -> Wait {
        Wait { back, row, until: 0, owners: vec![owner], stage: Stage::Waiting, offers: Vec::new(), again: None, is_put_off: true }
    }
}

/// A call that is run again from home.
pub struct Again {
    /// The call.
    pub words: Words,
    /// Its database.
    pub db: usize,
    /// Its connection speaks RESP3.
    pub is_resp3: bool,
}

/// All blocked calls of this core's connections, by time; and those that are to be tried again as tickets.
#[derive(Default)]
pub struct Timers {
    by_time: BTreeSet<(i64, Back)>,
    /// Calls that are to be tried again as tickets.
    pub tries: Vec<Back>,
}

impl Timers {
    /// Unix ms of the first that is due.
    pub fn next(&self) -> Option<i64> {
        self.by_time.first().map(|(at, _)| *at)
    }
}

impl Worker {
    /// A call of this core's connection waits. The connection is gone already: its owners are told to forget it.
    pub(in crate::engine) fn begin_wait(&mut self, wait: Wait) {
        let back = wait.back;
        let Some(conn) = self.conns.asked(back) else {
            self.let_go(&wait);
            return;
        };
        let i = back.conn as usize;
        self.shard.waits.clients += 1;
        if wait.until != 0 {
            self.timers.by_time.insert((wait.until, back));
            self.shard.waits.timeouts += 1;
        }
        conn.wait = Some(Box::new(wait));
        conn.let_messages_pass();
        self.shard.clients[i].blocked = Blocked::Waiting;
        // Its peer may have hung up meanwhile: the node looks.
        self.mark_dirty(i);
    }

    /// An owner said something about a call of this core's connection.
    pub(in crate::engine) fn hear_of_wait(&mut self, core: usize, answer: Answer) {
        match answer {
            Answer::Blocked { back, row, until } => {
                let (owners, offers, stage) = (vec![core], Vec::new(), Stage::Waiting);
                self.begin_wait(Wait { back, row, until, owners, stage, offers, again: None, is_put_off: false });
            }
            Answer::PutOff { back, row } => self.begin_wait(Wait::put_off(back, row, core)),
            Answer::Offer { back } => self.offered(core, back),
            Answer::Unserved { back } => self.wait_on(back),
            Answer::Late { back, reply } => self.deliver(back, &reply),
            Answer::Slow(slow) => self.shard.keep_slow(slow.client, None, slow.entry),
            Answer::Notice(notice) => self.hear_notice(core, *notice),
            Answer::Parcel(_) | Answer::Part(_) | Answer::Note(_) => {}
        }
    }

    /// The call waits no more. Returns what was known of it.
    pub(in crate::engine) fn end_wait(&mut self, i: usize) -> Option<Box<Wait>> {
        let wait = self.conns.get(i)?.wait.take()?;
        self.shard.waits.clients -= 1;
        if wait.until != 0 {
            self.timers.by_time.remove(&(wait.until, wait.back));
            self.shard.waits.timeouts -= 1;
        }
        if let Some(client) = self.shard.clients.get_mut(i) {
            client.blocked = Blocked::No;
        }
        Some(wait)
    }

    fn waiting(&mut self, back: Back) -> Option<&mut Wait> {
        self.conns.asked(back)?.wait.as_deref_mut().filter(|w| w.back == back)
    }

    /// Nobody is left to hear the reply of a call: its owners need not know of it.
    fn let_go(&mut self, wait: &Wait) {
        if !wait.is_put_off {
            return self.withdraw(wait.back, &wait.owners);
        }
        wait.owners.iter().for_each(|core| self.tell(*core, RoundKind::Drop(wait.back)));
    }

    /// Tells owners to forget a call.
    fn withdraw(&mut self, back: Back, owners: &[usize]) {
        if self.probe.has(Fault::WithdrawalLost) {
            return;
        }
        for core in owners {
            self.tell(*core, RoundKind::Withdraw(back));
        }
    }

    /// Sends a word about a blocked call to one of its owners.
    pub(in crate::engine) fn tell(&mut self, core: usize, kind: RoundKind) {
        let here = self.shard.core;
        if core == here {
            // At once: before anything else is served.
            match kind {
                RoundKind::Withdraw(back) => self.forget((here, back)),
                RoundKind::Kept(back) => self.kept((here, back)),
                RoundKind::Claim(back) => self.claimed((here, back)),
                RoundKind::Hasten { back, with_error } => self.stop_putting_off(here, back, Some(with_error)),
                RoundKind::Drop(back) => self.stop_putting_off(here, back, None),
                _ => {}
            }
            return;
        }
        self.send_round(core, Round { ticket: u64::MAX, coordinator: self.shard.core, now: self.now, kind, releases: false });
    }

    /// The connection closes while its call waits: nothing will be taken out for it any more.
    pub(in crate::engine) fn abandon_wait(&mut self, i: usize) {
        if let Some(wait) = self.end_wait(i) {
            self.let_go(&wait);
        }
    }

    /// Ends a call that nobody has begun to serve, with `reply`.
    fn give_up(&mut self, back: Back, reply: &[u8], refusal: Option<&Refusal>) {
        let Some(wait) = self.waiting(back).filter(|w| w.stage == Stage::Waiting) else { return };
        let (row, owners) = (wait.row, std::mem::take(&mut wait.owners));
        self.withdraw(back, &owners);
        run::account(&mut self.shard, row, 0, 1);
        if let Some(refusal) = refusal {
            self.shard.command_stats[row as usize].failed += 1;
            run::count_error(&mut self.shard, refusal);
        }
        self.deliver(back, reply);
    }

    fn time_out(&mut self, back: Back) {
        let Some(conn) = self.conns.asked(back) else { return };
        let mut out = Out { buf: Vec::new(), resp3: conn.out.resp3 };
        out.null_array();
        self.give_up(back, &out.buf, None);
    }

    /// Ends the calls whose time is over.
    pub(in crate::engine) fn time_out_waits(&mut self) {
        if self.timers.next().is_none_or(|at| at > self.now) {
            return;
        }
        let due: Vec<Back> = self.timers.by_time.range(..(self.now + 1, Back::FIRST)).map(|(_, back)| *back).collect();
        due.into_iter().for_each(|back| self.time_out(back));
    }

    /// CLIENT UNBLOCK marked the client.
    pub(in crate::engine) fn unblock(&mut self, i: usize, with_error: bool) {
        let Some(wait) = self.conns.get(i).and_then(|c| c.wait.as_mut()) else { return };
        let back = wait.back;
        if wait.is_put_off {
            wait.stage = Stage::Claimed;
            let owners = wait.owners.clone();
            self.shard.clients[i].blocked = Blocked::Claimed;
            // Only there it is known whether an answer is on its way.
            owners.into_iter().for_each(|core| self.tell(core, RoundKind::Hasten { back, with_error }));
            return;
        }
        if with_error {
            let refusal = Refusal::UNBLOCKED;
            let text = [b"-", refusal.as_bytes(), b"\r\n"].concat();
            self.give_up(back, &text, Some(&refusal));
        } else {
            self.time_out(back);
        }
    }

    /// Owner `core` has something for a blocked call.
    pub(in crate::engine) fn offered(&mut self, core: usize, back: Back) {
        let i = back.conn as usize;
        let is_leaving = self.conns.asked(back).is_some_and(|c| c.is_closing) || self.shard.clients.get(i).is_some_and(|c| c.close_now);
        let claims_twice = self.probe.has(Fault::ClaimedTwice);
        let ignores_death = self.probe.has(Fault::DeathIgnored);
        // If it does not wait, its owners were told so before.
        let Some(wait) = self.waiting(back) else {
            if ignores_death {
                self.tell(core, RoundKind::Claim(back));
            }
            return;
        };
        if is_leaving {
            self.abandon_wait(i);
            return;
        }
        match (wait.stage, wait.again.is_some()) {
            (Stage::Waiting, false) => {
                wait.stage = Stage::Claimed;
                self.shard.clients[i].blocked = Blocked::Claimed;
                self.tell(core, RoundKind::Claim(back));
            }
            (Stage::Waiting, true) => {
                wait.stage = Stage::Trying;
                wait.offers.push(core);
                self.shard.clients[i].blocked = Blocked::Claimed;
                self.timers.tries.push(back);
            }
            (Stage::Trying, _) => {
                wait.offers.push(core);
                if claims_twice {
                    self.timers.tries.push(back);
                }
            }
            (Stage::Claimed, _) => {}
        }
    }

    /// What was offered was not there any more: the call waits on.
    pub(in crate::engine) fn wait_on(&mut self, back: Back) {
        let now = self.now;
        let Some(wait) = self.waiting(back) else { return };
        wait.stage = Stage::Waiting;
        let is_late = wait.until != 0 && wait.until <= now;
        for core in std::mem::take(&mut wait.offers) {
            self.tell(core, RoundKind::Kept(back));
        }
        self.shard.clients[back.conn as usize].blocked = Blocked::Waiting;
        if let Some(conn) = self.conns.asked(back) {
            conn.let_messages_pass();
        }
        self.mark_dirty(back.conn as usize);
        if is_late {
            self.time_out(back);
        }
    }

    /// Starts the tickets of calls that are to be tried again. Returns whether any was started.
    pub(in crate::engine) fn start_tries(&mut self) -> bool {
        if self.timers.tries.is_empty() {
            return false;
        }
        let mut any = false;
        for back in std::mem::take(&mut self.timers.tries) {
            let Some(wait) = self.conns.asked(back).and_then(|c| c.wait.as_deref()).filter(|w| w.back == back) else { continue };
            let (row, Some(again)) = (wait.row, &wait.again) else { continue };
            let command = crate::engine::txn::plan::plan(&self.shard, row, &again.words.args(), again.db, again.is_resp3);
            if self.start_again(back, command) {
                any = true;
            } else {
                self.timers.tries.push(back);
            }
        }
        any
    }
}
