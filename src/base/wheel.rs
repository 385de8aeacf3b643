//! A hierarchical timing wheel over u32 ids.
//!
//! Six levels: 256 lists of one 4 ms tick, then five levels of 64 lists, each list as wide as the whole level below
//! (1 s, 65 s, 70 min, 75 h, 199 days; what lies beyond 34 years waits in the farthest list and is sorted again).
//! A list is a chain of 64-byte chunks of 14 ids, only the first one partly filled: 4.6 bytes a timer.
//!
//! Invariants
//! - A timer never fires early; it fires less than two ticks after its time, if `poll` is called often enough.
//! - One `poll` moves or hands out at most one id, so the caller decides how much is done in a turn.
//! - The owner of an id knows its place (a `u32`, never 0) and is told whenever it changes, so removal is exact: the
//!   wheel holds as many ids as there are timers.
//! - A timer whose time moved *later* may stay where it is: it comes up early, the wheel asks for its time again and
//!   files it anew. Setting the same key's expiry over and over costs the wheel nothing.
//!
//! It does not know what an id is nor read a clock.
//!
//! Ref: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987

use super::simd::prefetch;

const TICK_MS: i64 = 4;
const FIRST_BITS: u32 = 8;
const LEVEL_BITS: u32 = 6;
const LEVELS: usize = 6;
const FIRST: usize = 1 << FIRST_BITS;
const WIDTH: usize = 1 << LEVEL_BITS;
const LISTS: usize = FIRST + (LEVELS - 1) * WIDTH;
/// Ids in one chunk: 14 * 4 bytes + 8 bytes of links = one cache line.
const CHUNK: usize = 14;
/// Places are `chunk * 16 + index`, so that both parts come out by a shift.
const PLACE_BITS: u32 = 4;
/// Chunks in one allocation of the pool (64 KiB): growth never copies what is there.
const POOL_CHUNKS: usize = 1024;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Chunk {
    ids: [u32; CHUNK],
    next: u32,
    list: u16,
    len: u16,
}

const EMPTY: Chunk = Chunk { ids: [0; CHUNK], next: 0, list: 0, len: 0 };

/// What the wheel asks of whoever owns the ids.
pub trait Timers {
    /// The time at which `id` is due, in ms.
    fn due_ms(&self, id: u32) -> i64;
    /// `id` is now at `place`.
    fn placed(&mut self, id: u32, place: u32);
    /// `due_ms` of `id` will be asked for soon.
    fn prefetch(&self, id: u32) {
        let _ = id;
    }
}

/// What one `poll` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poll {
    /// This id is due and no longer in the wheel (its owner forgets its place).
    Due(u32),
    /// One id was filed anew; ask again.
    Moved,
    /// Nothing is due.
    Idle,
}

/// The wheel. See the file's head.
pub struct Wheel {
    /// Every list before this tick is empty.
    tick: i64,
    heads: Vec<u32>,
    level_len: [usize; LEVELS],
    len: usize,
    pool: Vec<Box<[Chunk]>>,
    /// Chunks handed out so far; number 0 is never used.
    fresh: usize,
    free: u32,
}

impl Wheel {
    /// An empty wheel that owns no memory.
    #[must_use]
    pub fn new() -> Wheel {
        Wheel { tick: 0, heads: Vec::new(), level_len: [0; LEVELS], len: 0, pool: Vec::new(), fresh: 1, free: 0 }
    }

    /// Timers in the wheel.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no timer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of memory the wheel holds.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.pool.len() * POOL_CHUNKS * size_of::<Chunk>() + self.heads.capacity() * 4
    }

    /// Files `id` (not 0) for `due_ms` and returns its place. `now` sets the wheel going when it was empty.
    pub fn insert(&mut self, id: u32, due_ms: i64, now: i64) -> u32 {
        if self.len == 0 {
            self.restart(now);
        }
        let list = self.list_for(due_ms);
        self.push(list, id)
    }

    /// Takes the timer at `place` out. Another timer may have moved into its place: `owner` is told.
    pub fn remove(&mut self, place: u32, owner: &mut dyn Timers) {
        let chunk = place >> PLACE_BITS;
        let index = (place as usize) & ((1 << PLACE_BITS) - 1);
        let Some((list, len)) = self.chunk(chunk).map(|c| (usize::from(c.list), usize::from(c.len))) else {
            debug_assert!(false, "no timer at {place}");
            return;
        };
        let is_last = self.heads[list] == chunk && index + 1 == len;
        let last = self.pop(list);
        if !is_last {
            // The head is the only chunk that is not full, so its last id fills the hole.
            if let Some(c) = self.chunk_mut(chunk) {
                c.ids[index.min(CHUNK - 1)] = last;
            }
            owner.placed(last, place);
        }
    }

    /// The id at `place` goes by another number from now on.
    pub fn rename(&mut self, place: u32, id: u32) {
        let index = (place as usize) & ((1 << PLACE_BITS) - 1);
        if let Some(c) = self.chunk_mut(place >> PLACE_BITS) {
            debug_assert!(index < usize::from(c.len));
            c.ids[index.min(CHUNK - 1)] = id;
        }
    }

    /// Does one step towards `now`.
    pub fn poll(&mut self, now: i64, owner: &mut dyn Timers) -> Poll {
        let target = now.div_euclid(TICK_MS);
        while self.len > 0 && self.tick <= target {
            if let Some(list) = self.list_to_sort() {
                return self.refile(list, now, owner);
            }
            let list = (self.tick as usize) & (FIRST - 1);
            if self.heads[list] != 0 {
                return self.refile(list, now, owner);
            }
            self.skip(target);
        }
        if self.len == 0 {
            self.release();
        }
        Poll::Idle
    }

    /// When the next `poll` can find something (ms); `None` when there is no timer. Possibly early; late by less than two
    /// ticks.
    #[must_use]
    pub fn next_ms(&self) -> Option<i64> {
        if self.len == 0 {
            return None;
        }
        if self.list_to_sort().is_some() {
            return Some(self.tick * TICK_MS);
        }
        let mut best = i64::MAX;
        if self.level_len[0] > 0 {
            let ahead = (0..FIRST as i64).find(|d| self.heads[((self.tick + d) as usize) & (FIRST - 1)] != 0);
            best = self.tick + ahead.unwrap_or(0);
        }
        for level in 1..LEVELS {
            if self.level_len[level] > 0 {
                let shift = FIRST_BITS + LEVEL_BITS * (level as u32 - 1);
                let at = self.tick >> shift;
                let ahead = (1..=WIDTH as i64).find(|d| self.heads[head_index(level, at + d)] != 0);
                best = best.min((at + ahead.unwrap_or(1)) << shift);
            }
        }
        Some(best.saturating_mul(TICK_MS))
    }

    /// Lists of higher levels that begin exactly at this tick and still hold ids, the widest first.
    fn list_to_sort(&self) -> Option<usize> {
        for level in (1..LEVELS).rev() {
            let shift = FIRST_BITS + LEVEL_BITS * (level as u32 - 1);
            if self.level_len[level] > 0 && self.tick & ((1 << shift) - 1) == 0 {
                let list = head_index(level, self.tick >> shift);
                if self.heads[list] != 0 {
                    return Some(list);
                }
            }
        }
        None
    }

    fn refile(&mut self, list: usize, now: i64, owner: &mut dyn Timers) -> Poll {
        self.look_ahead(list, owner);
        let id = self.pop(list);
        let due = owner.due_ms(id);
        if due <= now {
            owner.placed(id, 0);
            return Poll::Due(id);
        }
        let list = self.list_for(due);
        let place = self.push(list, id);
        owner.placed(id, place);
        Poll::Moved
    }

    /// When the first id of a chunk is about to be taken: asks for what the ids of the chunk behind it lead to, so that these misses overlap.
    fn look_ahead(&self, list: usize, owner: &dyn Timers) {
        let behind = |chunk: &Chunk| (chunk.next != 0).then(|| self.chunk(chunk.next)).flatten();
        if let Some(first) = self.chunk(self.heads[list])
            && usize::from(first.len) == CHUNK
            && let Some(second) = behind(first)
        {
            second.ids.iter().for_each(|&id| owner.prefetch(id));
            if let Some(third) = behind(second) {
                prefetch(third);
            }
        }
    }

    /// On to the next tick that can have work, at most one past `target`.
    fn skip(&mut self, target: i64) {
        let mut next = self.tick + 1;
        if self.level_len[0] == 0 {
            // Nothing can happen before a list of the lowest level in use begins.
            let level = (1..LEVELS).find(|&l| self.level_len[l] > 0).unwrap_or(1);
            let shift = FIRST_BITS + LEVEL_BITS * (level as u32 - 1);
            next = ((self.tick >> shift) + 1) << shift;
        }
        self.tick = next.min(target + 1);
    }

    fn restart(&mut self, now: i64) {
        if self.heads.is_empty() {
            self.heads = vec![0; LISTS];
        }
        self.tick = now.div_euclid(TICK_MS);
    }

    fn list_for(&self, due_ms: i64) -> usize {
        // Rounded up, so that nothing fires early.
        let due = due_ms.div_euclid(TICK_MS) + i64::from(due_ms.rem_euclid(TICK_MS) != 0);
        let due = due.max(self.tick);
        let delta = due - self.tick;
        if delta < FIRST as i64 {
            return (due as usize) & (FIRST - 1);
        }
        for level in 1..LEVELS {
            let shift = FIRST_BITS + LEVEL_BITS * (level as u32 - 1);
            if delta < 1 << (shift + LEVEL_BITS) {
                return head_index(level, due >> shift);
            }
        }
        let shift = FIRST_BITS + LEVEL_BITS * (LEVELS as u32 - 2);
        head_index(LEVELS - 1, (self.tick >> shift) + WIDTH as i64 - 1)
    }

    fn push(&mut self, list: usize, id: u32) -> u32 {
        let mut head = self.heads[list];
        let is_full = self.chunk(head).is_none_or(|c| usize::from(c.len) == CHUNK);
        if is_full {
            let fresh = self.take_chunk();
            if let Some(c) = self.chunk_mut(fresh) {
                *c = Chunk { next: head, list: list as u16, ..EMPTY };
            }
            head = fresh;
            self.heads[list] = head;
        }
        self.len += 1;
        self.level_len[level_of(list)] += 1;
        let mut place = 0;
        if let Some(c) = self.chunk_mut(head) {
            let index = usize::from(c.len).min(CHUNK - 1);
            c.ids[index] = id;
            c.len += 1;
            place = (head << PLACE_BITS) | index as u32;
        }
        place
    }

    /// Takes the newest id of a list; 0 when it is empty.
    fn pop(&mut self, list: usize) -> u32 {
        let head = self.heads[list];
        if head == 0 {
            return 0;
        }
        let Some(c) = self.chunk_mut(head) else {
            return 0;
        };
        c.len = c.len.saturating_sub(1);
        let id = c.ids[usize::from(c.len).min(CHUNK - 1)];
        let (is_empty, next) = (c.len == 0, c.next);
        if is_empty {
            self.heads[list] = next;
            self.free_chunk(head);
        }
        self.len -= 1;
        self.level_len[level_of(list)] -= 1;
        id
    }

    fn take_chunk(&mut self) -> u32 {
        if self.free != 0 {
            let taken = self.free;
            self.free = self.chunk(taken).map_or(0, |c| c.next);
            return taken;
        }
        if self.fresh / POOL_CHUNKS >= self.pool.len() {
            self.pool.push(vec![EMPTY; POOL_CHUNKS].into_boxed_slice());
        }
        self.fresh += 1;
        (self.fresh - 1) as u32
    }

    fn free_chunk(&mut self, number: u32) {
        let free = self.free;
        if let Some(c) = self.chunk_mut(number) {
            c.len = 0;
            c.next = free;
        }
        self.free = number;
    }

    /// Gives the pool back when the last timer is gone.
    fn release(&mut self) {
        if self.fresh > POOL_CHUNKS {
            self.pool = Vec::new();
            self.fresh = 1;
            self.free = 0;
        }
    }

    fn chunk(&self, number: u32) -> Option<&Chunk> {
        if number == 0 {
            return None;
        }
        let number = number as usize;
        self.pool.get(number / POOL_CHUNKS)?.get(number % POOL_CHUNKS)
    }

    fn chunk_mut(&mut self, number: u32) -> Option<&mut Chunk> {
        if number == 0 {
            return None;
        }
        let number = number as usize;
        self.pool.get_mut(number / POOL_CHUNKS)?.get_mut(number % POOL_CHUNKS)
    }
}

impl Default for Wheel {
    fn default() -> Wheel {
        Wheel::new()
    }
}

fn head_index(level: usize, position: i64) -> usize {
    FIRST + (level - 1) * WIDTH + ((position as usize) & (WIDTH - 1))
}

fn level_of(list: usize) -> usize {
    if list < FIRST { 0 } else { (list - FIRST) / WIDTH + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use std::collections::BTreeMap;

    #[derive(Default)]
    struct Owner {
        due: BTreeMap<u32, i64>,
        place: BTreeMap<u32, u32>,
    }

    impl Timers for Owner {
        fn due_ms(&self, id: u32) -> i64 {
            self.due[&id]
        }
        fn placed(&mut self, id: u32, place: u32) {
            self.place.insert(id, place);
        }
    }

    fn run_seed(seed: u64) {
        let mut rng = Rng::new(seed);
        let (mut wheel, mut owner) = (Wheel::new(), Owner::default());
        let mut now = 1_700_000_000_000i64;
        let mut id = 0u32;
        for _ in 0..4000 {
            match rng.below(10) {
                0..=4 => {
                    id += 1;
                    let spread = [3, 900, 70_000, 5_000_000, 400_000_000, 40_000_000_000, 4_000_000_000_000];
                    let width = spread[rng.below(7) as usize];
                    let due = now + rng.below(width) as i64 - 2;
                    owner.due.insert(id, due);
                    let place = wheel.insert(id, due, now);
                    owner.place.insert(id, place);
                }
                5 | 6 if !owner.due.is_empty() => {
                    let n = rng.below(owner.due.len() as u64) as usize;
                    let victim = *owner.due.keys().nth(n).unwrap();
                    let place = owner.place[&victim];
                    wheel.remove(place, &mut owner);
                    owner.due.remove(&victim);
                    owner.place.remove(&victim);
                }
                7 if !owner.due.is_empty() => {
                    let n = rng.below(owner.due.len() as u64) as usize;
                    let later = *owner.due.keys().nth(n).unwrap();
                    *owner.due.get_mut(&later).unwrap() += rng.below(100_000) as i64;
                }
                _ => {
                    let step = [10, 2000, 100_000, 50_000_000, 9_000_000_000][rng.below(5) as usize];
                    now += rng.below(step) as i64;
                    loop {
                        match wheel.poll(now, &mut owner) {
                            Poll::Due(id) => {
                                assert!(owner.due.remove(&id).unwrap() <= now);
                                assert_eq!(owner.place.remove(&id), Some(0));
                            }
                            Poll::Moved => {}
                            Poll::Idle => break,
                        }
                    }
                    let late: Vec<_> = owner.due.values().filter(|&&d| d <= now - 2 * TICK_MS).collect();
                    assert!(late.is_empty(), "seed {seed}: {late:?} at {now}");
                    let first = owner.due.values().min().copied();
                    let (next, first) = (wheel.next_ms().unwrap_or(0), first.unwrap_or(0));
                    assert!(next <= first.max(now) + TICK_MS, "seed {seed}: {next} {first} {now}");
                }
            }
            assert_eq!(wheel.len(), owner.due.len(), "seed {seed}");
        }
    }

    #[test]
    fn every_timer_fires_once_within_two_ticks_of_its_time() {
        for seed in 0..20 {
            run_seed(seed);
        }
    }

    #[test]
    fn an_emptied_wheel_gives_its_memory_back() {
        let (mut wheel, mut owner) = (Wheel::new(), Owner::default());
        assert_eq!(wheel.memory(), 0);
        for id in 1..100_000u32 {
            owner.due.insert(id, 5000);
            let place = wheel.insert(id, 5000, 0);
            owner.place.insert(id, place);
        }
        assert!(wheel.memory() < 100_000 * 5);
        while wheel.poll(6000, &mut owner) != Poll::Idle {}
        assert!(wheel.memory() < 4096);
    }
}
