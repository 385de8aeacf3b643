//! Client-side caching: what a client has asked for, and what one core knows of clients that keep copies of its keys.
//!
//! The keys themselves, with who has read them, are in the keyspace (keyspace/tracked.rs), because its write hook looks at them.
//! Here is what a change of such a key leads to: notices for clients, collected until the engine sends them. Prefixes of clients in
//! broadcasting mode are known on every core, since every core may change a key that begins so.
//!
//! Who tells a client is its own core (its home), which alone knows its mode: an owner of keys says who has read what and who has
//! changed it, no more.
//!
//! Ref: redis.io/docs/latest/develop/reference/client-side-caching

use super::{Args, Flags, Spec, call::Origin, keys};
use crate::keyspace::{Keyspace, Reader};
use std::collections::{BTreeMap, BTreeSet};

/// What CLIENT CACHING has said about the next command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Caching {
    #[default]
    Unsaid,
    Said,
    /// The command that it is about has started.
    Used,
}

/// Prefixes of one client.
pub type Prefixes = BTreeSet<Box<[u8]>>;

/// What a client in tracking mode has asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mode {
    /// Client that is told in its place, and the core of that; 0 = none.
    pub redirect: u64,
    pub redirect_core: usize,
    pub is_broadcast: bool,
    pub is_optin: bool,
    pub is_optout: bool,
    pub is_noloop: bool,
    /// The client that was to be told is gone.
    pub is_broken: bool,
    /// Of broadcasting mode.
    pub prefixes: Prefixes,
}

/// A client's part.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tracking {
    /// The client's own core.
    pub home: u16,
    /// What is read by the command that starts now is remembered.
    pub is_reading: bool,
    pub caching: Caching,
    /// Its mode, if tracking is on.
    pub mode: Option<Box<Mode>>,
}

impl Tracking {
    /// Must follow every change of `caching` and `mode`.
    pub fn refresh(&mut self) {
        let is_said = self.caching != Caching::Unsaid;
        self.is_reading = self.mode.as_ref().is_some_and(|m| !m.is_broadcast && (!m.is_optin || is_said) && (!m.is_optout || !is_said));
    }

    /// The client that is told in this one's place: 0 = none, -1 = tracking is off.
    pub fn redirect(&self) -> i64 {
        self.mode.as_ref().map_or(-1, |m| m.redirect as i64)
    }

    /// Turns tracking off. Returns whether prefixes have to be withdrawn on all cores.
    pub fn end(&mut self) -> bool {
        let was_broadcast = self.mode.as_ref().is_some_and(|m| m.is_broadcast);
        self.mode = None;
        self.caching = Caching::Unsaid;
        self.refresh();
        was_broadcast
    }
}

/// A key that a client has read was changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stale {
    pub reader: Reader,
    /// Client that changed it; 0 = none (it expired, for example).
    pub changer: u64,
    pub key: Box<[u8]>,
}

/// The keys that begin with a prefix and were changed, each with the client that did it last.
pub type Changes = BTreeMap<Box<[u8]>, u64>;

/// One core's part.
#[derive(Default)]
pub struct Tracker {
    /// Clients of this core that track or are told in another's place: their place among the clients by their id.
    pub places: BTreeMap<u64, usize>,
    /// Clients of all cores in broadcasting mode, by prefix.
    pub registered: BTreeMap<Box<[u8]>, BTreeSet<Reader>>,
    /// For clients of this core, to be told before the next command runs; then those of others, told at the end of the turn.
    pub stale_here: Vec<Stale>,
    pub stale_elsewhere: Vec<Stale>,
    /// Changes since the last broadcast, by prefix.
    pub changed: BTreeMap<Box<[u8]>, Changes>,
    /// How often databases were emptied on this core. All cores do that in the same order, as parts of the same tickets.
    pub flushes: u64,
    /// The ticket by which each of them last registered.
    registered_by: BTreeMap<Reader, u64>,
    /// Clients of this core whose prefixes are others than all cores have heard, and the ticket that came before that.
    pub renewed: Vec<(u64, Prefixes, u64)>,
}

impl Tracker {
    /// Whether the engine has something to send.
    pub fn has_news(&self) -> bool {
        !self.stale_here.is_empty() || !self.stale_elsewhere.is_empty() || !self.changed.is_empty() || !self.renewed.is_empty()
    }

    /// `client` wants to hear of keys that begin with any of these, besides those that it hears of already: a part of ticket
    /// `ticket`, which every core runs. Its home may think better of it afterwards and renew.
    pub fn register(&mut self, ks: &mut Keyspace, client: Reader, prefixes: &[Box<[u8]>], ticket: u64) {
        self.registered_by.insert(client, ticket);
        prefixes.iter().for_each(|prefix| {
            self.registered.entry(prefix.clone()).or_default().insert(client);
        });
        self.look_at_prefixes(ks);
    }

    /// Whether `client` has prefixes, as far as this core knows.
    pub fn has_registered(&self, client: Reader) -> bool {
        self.registered_by.contains_key(&client)
    }

    /// `client` of this core wants to hear of keys that begin with any of `prefixes`, and of no other. The other cores are told.
    pub fn renew(&mut self, ks: &mut Keyspace, client: Reader, prefixes: Prefixes) {
        let ticket = self.registered_by.get(&client).copied().unwrap_or(0);
        self.take_over(ks, client, &prefixes, ticket);
        self.renewed.push((client.client, prefixes, ticket));
    }

    /// The same said by a client's home, unless the client has registered since.
    pub fn take_over(&mut self, ks: &mut Keyspace, client: Reader, prefixes: &Prefixes, ticket: u64) {
        if self.registered_by.get(&client).is_some_and(|later| *later > ticket) {
            return;
        }
        self.registered.retain(|_, clients| {
            clients.remove(&client);
            !clients.is_empty()
        });
        prefixes.iter().for_each(|prefix| {
            self.registered.entry(prefix.clone()).or_default().insert(client);
        });
        if prefixes.is_empty() {
            self.registered_by.remove(&client);
        }
        self.look_at_prefixes(ks);
    }

    fn look_at_prefixes(&self, ks: &mut Keyspace) {
        ks.set_tracked_prefixes(self.registered.keys().cloned().collect());
    }

    /// Takes in the changes that the keyspace has noted; `changer` made them.
    #[cold]
    pub fn note(&mut self, ks: &mut Keyspace, core: usize, changer: u64) {
        for touched in ks.take_touched() {
            if touched.has_prefix {
                for prefix in self.registered.keys().filter(|p| touched.key.starts_with(p)) {
                    self.changed.entry(prefix.clone()).or_default().insert(touched.key.clone(), changer);
                }
            }
            for reader in touched.readers {
                let stale = Stale { reader, changer, key: touched.key.clone() };
                if usize::from(reader.core) == core {
                    self.stale_here.push(stale);
                } else {
                    self.stale_elsewhere.push(stale);
                }
            }
        }
        ks.set_told(self.stale_here.is_empty());
    }

    /// The databases were emptied: nobody's copies are good any more, which the engine tells once all cores have emptied theirs.
    pub fn flush(&mut self, ks: &mut Keyspace) {
        ks.untrack_all();
        self.flushes += 1;
    }
}

/// Remembers that a client has read the keys of a call.
#[cold]
pub fn remember(ks: &mut Keyspace, spec: &Spec, args: &Args, origin: &Origin) {
    if !spec.flags.has(Flags::READONLY) {
        return;
    }
    let mut places = Vec::new();
    if keys::positions(spec, args, &mut places).is_err() {
        return;
    }
    for (at, _) in places {
        let key = ks.key(args.get(at as usize));
        ks.track(&key, Reader { core: origin.home, client: origin.client });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::{SLOTS, Ttl};

    #[test]
    fn what_is_read_is_remembered_as_the_mode_says() {
        let case = |mode: Mode, caching| {
            let mut t = Tracking { mode: Some(Box::new(mode)), caching, ..Tracking::default() };
            t.refresh();
            t.is_reading
        };
        let optin = Mode { is_optin: true, ..Mode::default() };
        let optout = Mode { is_optout: true, ..Mode::default() };
        let broadcast = Mode { is_broadcast: true, ..Mode::default() };
        assert!(case(Mode::default(), Caching::Unsaid));
        assert!(!case(broadcast, Caching::Unsaid));
        assert_eq!([Caching::Unsaid, Caching::Said, Caching::Used].map(|c| case(optin.clone(), c)), [false, true, true]);
        assert_eq!([Caching::Unsaid, Caching::Said, Caching::Used].map(|c| case(optout.clone(), c)), [true, false, false]);
    }

    #[test]
    fn readers_and_prefixes_hear_of_a_change_each_in_its_way() {
        let mut ks = Keyspace::new(1, 1, 0..SLOTS);
        let mut tracker = Tracker::default();
        let prefix = |text: &[u8]| -> Box<[u8]> { text.into() };
        let client = Reader { core: 1, client: 7 };
        tracker.register(&mut ks, client, &[prefix(b"k"), prefix(b"x")], 3);
        let key = ks.key(b"key");
        for core in [0, 1] {
            ks.track(&key, Reader { core, client: 5 });
        }
        assert!(ks.set_str(0, &key, b"v", Ttl::None, 0));
        tracker.note(&mut ks, 0, 9);
        assert_eq!((tracker.stale_here.len(), tracker.stale_elsewhere.len()), (1, 1));
        assert_eq!(tracker.changed, BTreeMap::from([(prefix(b"k"), Changes::from([(prefix(b"key"), 9)]))]));
        assert!(ks.has_ready());
        tracker.changed.clear();
        tracker.take_over(&mut ks, client, &BTreeSet::new(), 2);
        assert_eq!(tracker.registered.len(), 2, "it has registered later than its home said this");
        tracker.take_over(&mut ks, client, &BTreeSet::from([prefix(b"x")]), 3);
        assert!(ks.set_str(0, &key, b"w", Ttl::None, 0));
        assert!(!ks.has_touched());
        assert_eq!(tracker.registered.len(), 1);
    }
}
