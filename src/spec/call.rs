//! One call in flight on one core: its arguments, the keyspace it may touch, its reply, its effect.
//! A call runs to its end without waiting for anything; everything it needs is in here.

use super::{Refusal, Shard, Spec, client::Client, effect::Class, persist::Ask};
use crate::keyspace::{Key, Kind, Look, StrRef};
use crate::proto::{Span, encode::Out};

/// What a command function returns: a reply was written, or the call is refused with a text.
pub type Outcome = Result<(), Refusal>;

/// The words of one call: ranges of one buffer that outlives the call. Word 0 is the command's name as the client wrote it.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    pub base: &'a [u8],
    pub spans: &'a [Span],
}

impl<'a> Args<'a> {
    /// Number of words, the command's own included.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.spans.len()
    }
    /// Never true of a call that was admitted.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
    /// Word `i`; the caller knows from arity or `len` that it exists.
    #[inline(always)]
    pub fn get(&self, i: usize) -> &'a [u8] {
        let s = self.spans[i];
        &self.base[s.start as usize..(s.start + s.len) as usize]
    }
    /// Word `i` if there is one.
    pub fn try_get(&self, i: usize) -> Option<&'a [u8]> {
        (i < self.spans.len()).then(|| self.get(i))
    }
    /// Words from `i` on.
    pub fn from(&self, i: usize) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let me = *self;
        (i..self.len()).map(move |n| me.get(n))
    }
    /// Whether word `i` is `word`, in any case.
    pub fn is(&self, i: usize, word: &str) -> bool {
        self.try_get(i).is_some_and(|w| w.eq_ignore_ascii_case(word.as_bytes()))
    }
}

/// Who asked, as far as a call on another core needs to know.
#[derive(Clone, Copy, Default)]
pub struct Origin {
    /// Client id (CLIENT ID), 0 = none.
    pub client: u64,
    /// CLIENT NO-TOUCH is on.
    pub no_touch: bool,
    /// The call is part of an EXEC block.
    pub in_multi: bool,
    /// The peer is on this machine (loopback or unix socket).
    pub is_local: bool,
    /// The client keeps copies of what this call reads.
    pub is_tracking: bool,
    /// Core of the client.
    pub home: u16,
    /// It comes out of a log that is being loaded.
    pub is_loader: bool,
}

/// One call being carried out on the core that owns its keys (or at home).
pub struct Call<'a> {
    pub spec: &'static Spec,
    pub args: Args<'a>,
    pub out: &'a mut Out,
    pub shard: &'a mut Shard,
    /// Database number, below `shard.config.databases`.
    pub db: usize,
    /// Unix time in milliseconds; the same for the whole call, transaction or ticket.
    pub now: i64,
    pub origin: Origin,
    /// Index in `shard.clients`, only where the call runs on the core of its connection.
    pub home: Option<usize>,
    /// Hash and slot of the key at word `.0`, computed when the call was taken in.
    pub hint: Option<(u32, u64, u16)>,
}

impl<'a> Call<'a> {
    /// Word `i`. See [`Args::get`].
    #[inline(always)]
    pub fn arg(&self, i: usize) -> &'a [u8] {
        self.args.get(i)
    }

    /// What is to expire before this (a field) or by it (a command's own deadline) is over: now. While a log is carried out nothing is: what was
    /// over then is deleted by the log's own commands, and whatever changed a key or field before that must find it.
    #[inline]
    pub fn over_until(&self) -> i64 {
        if self.shard.ks.tuning.is_loading { i64::MIN } else { self.now }
    }

    /// The key at word `i`, with hash and slot.
    #[inline(always)]
    pub fn key(&self, i: usize) -> Key<'a> {
        match self.hint {
            Some((at, hash, slot)) if at as usize == i => Key { bytes: self.args.get(i), hash, slot },
            _ => self.shard.ks.key(self.args.get(i)),
        }
    }

    /// Calls `f` with every `step`-th word from `first` on and its key, in order. The memory of the keys ahead is asked for in
    /// groups, so that their cache misses overlap.
    pub fn each_key(&mut self, first: usize, step: usize, mut f: impl FnMut(&mut Call<'a>, usize, Key<'a>) -> Outcome) -> Outcome {
        const GROUP: usize = 16;
        let mut keys = [Key { bytes: &[], hash: 0, slot: 0 }; GROUP];
        let mut next = first;
        while next < self.args.len() {
            let (start, mut count) = (next, 0);
            while next < self.args.len() && count < GROUP {
                keys[count] = self.shard.ks.key(self.args.get(next));
                self.shard.ks.prefetch_bucket(self.db, &keys[count]);
                (next, count) = (next + step, count + 1);
            }
            keys[..count].iter().for_each(|key| self.shard.ks.prefetch_entry(self.db, key));
            for (n, key) in keys[..count].iter().enumerate() {
                f(self, start + n * step, *key)?;
            }
        }
        Ok(())
    }

    /// How a reading command looks keys up: without touching the clock for a NO-TOUCH client.
    #[inline(always)]
    pub fn look(&self) -> Look {
        if self.origin.no_touch { Look::Peek } else { Look::Read }
    }

    /// The string at the key of word `i` for reading; `None` if there is no such key; refused if it holds another type.
    #[inline(always)]
    pub fn read_string(&mut self, i: usize) -> Result<Option<StrRef<'_>>, Refusal> {
        let key = self.key(i);
        let look = self.look();
        match self.shard.ks.find(self.db, &key, self.now, look) {
            None => Ok(None),
            Some(item) => match item.kind() {
                Kind::String => Ok(Some(item.string())),
                _ => Err(Refusal::WRONG_TYPE),
            },
        }
    }

    /// The client of the connection. Only for commands whose route is `Home`.
    pub fn client(&mut self) -> &mut Client {
        let i = self.home.expect("only commands that run at home ask for their client");
        &mut self.shard.clients[i]
    }

    /// Tells that event `name` of `class` happened to the key of word `i`.
    /// Ref: redis.io/docs/latest/develop/use/keyspace-notifications
    #[inline(always)]
    pub fn event(&mut self, class: Class, name: &'static str, i: usize) {
        if self.shard.fx.mask & class as u32 != 0 {
            let key = self.args.get(i);
            self.shard.fx.event(class, name, self.db, key);
        }
    }

    /// Records `words` as (one more) effect of this call in place of its own words. Costs nothing when nobody records.
    pub fn effect(&mut self, words: &[&[u8]]) {
        if self.shard.fx.is_on {
            self.shard.record_expired();
            self.shard.fx.command(self.db, words.iter().copied());
        }
        self.shard.fx.explicit = true;
    }

    /// Records this call's own words as an effect on all keys, also when there were none to change.
    pub fn global_effect(&mut self) {
        if self.shard.fx.is_on {
            self.shard.record_expired();
            self.shard.fx.global(self.db, self.args.from(0));
        }
        self.shard.fx.explicit = true;
    }

    /// This call is answered later, by whoever carries out a wish with this number; its function writes no reply. Only for commands
    /// that say so in [`Spec::defers`], and never inside of EXEC, where everything answers at once.
    pub fn defer(&mut self) -> Ask {
        self.shard.asks += 1;
        let ask = Ask(self.shard.asks);
        self.shard.deferred = Some(ask);
        ask
    }

    /// This call has no effect to record although it changed something (or its effects are recorded elsewhere).
    pub fn no_effect(&mut self) {
        self.shard.fx.explicit = true;
    }
}

/// The function of containers: their subcommands run, never they.
pub fn not_runnable(_: &mut Call) -> Outcome {
    Err(Refusal::SYNTAX)
}
