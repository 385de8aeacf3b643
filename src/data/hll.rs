//! HyperLogLog strings: the value PFADD, PFCOUNT and PFMERGE keep in an ordinary string key.
//!
//! Layer 1. The bytes are an on-disk and on-wire format: after the same calls they equal Redis's, byte for byte.
//!
//! ```text
//! 0..4    "HYLL"
//! 4       encoding: 0 dense, 1 sparse
//! 5..8    zero
//! 8..16   cached count, little endian; its top bit says that the cache is stale
//! 16..    dense: 16384 registers of 6 bits, least significant bits first (12288 bytes)
//!         sparse: runs that cover the 16384 registers in order
//!           00xxxxxx           zero, x+1 times (1..=64)
//!           01xxxxxx yyyyyyyy  zero, xy+1 times (1..=16384)
//!           1vvvvvxx           value v+1 (1..=32), x+1 times (1..=4)
//! ```
//!
//! Invariants: every walk over sparse runs stops at the 16384th register and at the end of the bytes, whatever
//! the runs claim; a value that fails [`check`] is never written to.
//!
//! It does not know keys or error texts: [`Fault::NotHll`] and [`Fault::Corrupt`] are named by the caller.
//! Ref: redis.io/docs/latest/develop/data-types/probabilistic/hyperloglogs; Otmar Ertl, "New cardinality
//! estimation algorithms for HyperLogLog sketches" (arXiv:1702.01284).

use std::fmt::Write;

/// Number of registers.
pub const REGISTERS: usize = 1 << INDEX_BITS;
/// Length of every dense value.
pub const DENSE_BYTES: usize = HEADER + REGISTERS * 6 / 8;

const INDEX_BITS: u32 = 14;
/// Bits of the hash left for a register's value.
const VALUE_BITS: u32 = 64 - INDEX_BITS;
const HEADER: usize = 16;
const MAGIC: &[u8; 4] = b"HYLL";
/// Byte that holds the stale bit of the cached count.
const STALE_BYTE: usize = 15;
const STALE_BIT: u8 = 0x80;
/// Largest register value a sparse run can hold.
const SPARSE_VALUE_MAX: u8 = 32;
const HASH_SEED: u64 = 0xadc8_3b19;

/// Why a string could not be used as a HyperLogLog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not a HyperLogLog at all: wrong magic, encoding or length.
    NotHll,
    /// A HyperLogLog whose sparse runs do not cover the registers exactly.
    Corrupt,
}

/// How the registers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Dense,
    Sparse,
}

/// Tells whether `bytes` look like a HyperLogLog, and its encoding. O(1): sparse runs are not walked.
pub fn check(bytes: &[u8]) -> Result<Encoding, Fault> {
    if bytes.len() < HEADER || &bytes[..4] != MAGIC {
        return Err(Fault::NotHll);
    }
    match bytes[4] {
        0 if bytes.len() == DENSE_BYTES => Ok(Encoding::Dense),
        1 => Ok(Encoding::Sparse),
        _ => Err(Fault::NotHll),
    }
}

/// An empty sparse value, its cached count stale, as PFADD of no elements leaves it.
pub fn create() -> Vec<u8> {
    let mut bytes = vec![0u8; HEADER + 2];
    bytes[..4].copy_from_slice(MAGIC);
    bytes[4] = 1;
    bytes[STALE_BYTE] = STALE_BIT;
    put_zeros(&mut bytes[HEADER..], REGISTERS);
    bytes
}

/// The count kept in the header of a checked value, unless it is stale.
pub fn cached(bytes: &[u8]) -> Option<u64> {
    let field: [u8; 8] = bytes.get(8..HEADER)?.try_into().ok()?;
    (field[7] & STALE_BIT == 0).then(|| u64::from_le_bytes(field))
}

/// Keeps `count` in the header of a checked value.
pub fn store_cached(bytes: &mut [u8], count: u64) {
    if let Some(field) = bytes.get_mut(8..HEADER) {
        field.copy_from_slice(&(count & !(1 << 63)).to_le_bytes());
    }
}

fn mark_stale(bytes: &mut [u8]) {
    bytes[STALE_BYTE] |= STALE_BIT;
}

/// Adds one element; true when a register rose (the cached count is then marked stale).
///
/// `sparse_max`: length in bytes, header included, past which a growing sparse value becomes dense
/// (`hll-sparse-max-bytes`). O(1) when dense, O(length) when sparse.
/// Fails with `NotHll`, or with `Corrupt` when the runs do not reach the register or its run goes past the last
/// register (Redis writes into such a run); `bytes` are then unchanged.
pub fn add(bytes: &mut Vec<u8>, element: &[u8], sparse_max: usize) -> Result<bool, Fault> {
    let (index, value) = place(element);
    raise(bytes, index, value, sparse_max)
}

/// The register an element belongs to and the value it asks for (1..=51).
fn place(element: &[u8]) -> (usize, u8) {
    let hash = murmur64a(element, HASH_SEED);
    let index = (hash & (REGISTERS as u64 - 1)) as usize;
    // The added bit ends the run of zeros of a hash that has no other one.
    let rest = (hash >> INDEX_BITS) | 1 << VALUE_BITS;
    (index, rest.trailing_zeros() as u8 + 1)
}

/// Raises register `index` to at least `value`, in either encoding.
fn raise(bytes: &mut Vec<u8>, index: usize, value: u8, sparse_max: usize) -> Result<bool, Fault> {
    let rose = match check(bytes)? {
        Encoding::Dense => raise_dense(bytes, index, value),
        Encoding::Sparse => raise_sparse(bytes, index, value, sparse_max)?,
    };
    if rose {
        mark_stale(bytes);
    }
    Ok(rose)
}

/// MurmurHash64A by Austin Appleby (public domain), little-endian loads.
fn murmur64a(data: &[u8], seed: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    const R: u32 = 47;
    let mut h = seed ^ (data.len() as u64).wrapping_mul(M);
    let (words, tail) = data.as_chunks::<8>();
    for word in words {
        let mut k = u64::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        h = (h ^ k.wrapping_mul(M)).wrapping_mul(M);
    }
    if !tail.is_empty() {
        let mut last = [0u8; 8];
        last[..tail.len()].copy_from_slice(tail);
        h = (h ^ u64::from_le_bytes(last)).wrapping_mul(M);
    }
    h ^= h >> R;
    h = h.wrapping_mul(M);
    h ^ h >> R
}

// ---- dense ----

fn dense_get(body: &[u8], index: usize) -> u8 {
    let (at, shift) = (index * 6 / 8, index * 6 % 8);
    let high = body.get(at + 1).copied().unwrap_or(0);
    ((u16::from(body[at]) | u16::from(high) << 8) >> shift) as u8 & 63
}

fn dense_put(body: &mut [u8], index: usize, value: u8) {
    let (at, shift) = (index * 6 / 8, index * 6 % 8);
    let (mask, value) = (63u16 << shift, u16::from(value & 63) << shift);
    body[at] = body[at] & !(mask as u8) | value as u8;
    if mask > 0xff {
        // A register that crosses a byte border is never the last one, so the next byte exists.
        body[at + 1] = body[at + 1] & !((mask >> 8) as u8) | (value >> 8) as u8;
    }
}

fn raise_dense(bytes: &mut [u8], index: usize, value: u8) -> bool {
    let body = &mut bytes[HEADER..];
    let rose = dense_get(body, index) < value;
    if rose {
        dense_put(body, index, value);
    }
    rose
}

/// Rewrites a value as dense, keeping its header's cached count; does nothing to a dense one.
/// Fails with `Corrupt` when the runs do not cover the registers exactly; `bytes` are then unchanged.
pub fn to_dense(bytes: &mut Vec<u8>) -> Result<(), Fault> {
    if check(bytes)? == Encoding::Dense {
        return Ok(());
    }
    let mut dense = vec![0u8; DENSE_BYTES];
    dense[..HEADER].copy_from_slice(&bytes[..HEADER]);
    dense[4] = 0;
    each_run(bytes, |first, run| {
        if run.value != 0 {
            (first..first + run.count).for_each(|i| dense_put(&mut dense[HEADER..], i, run.value));
        }
    })?;
    *bytes = dense;
    Ok(())
}

// ---- sparse ----

/// One sparse run: `count` registers of `value`, written in `size` bytes.
#[derive(Clone, Copy)]
struct Run {
    value: u8,
    count: usize,
    size: usize,
}

/// Reads the run at the head of `body`; None at the end and for a long zero run cut in half.
#[inline]
fn read_run(body: &[u8]) -> Option<Run> {
    let op = *body.first()?;
    Some(match op >> 6 {
        0 => Run { value: 0, count: usize::from(op & 63) + 1, size: 1 },
        1 => Run { value: 0, count: (usize::from(op & 63) << 8 | usize::from(*body.get(1)?)) + 1, size: 2 },
        _ => Run { value: (op >> 2 & 31) + 1, count: usize::from(op & 3) + 1, size: 1 },
    })
}

/// Writes zeros for `count` (1..=16384) registers at the head of `out`, in the short form where it fits.
/// Returns the bytes written.
fn put_zeros(out: &mut [u8], count: usize) -> usize {
    let n = count - 1;
    if count <= 64 {
        out[0] = n as u8;
        return 1;
    }
    out[0] = 0x40 | (n >> 8) as u8;
    out[1] = n as u8;
    2
}

/// The one-byte run of `count` (1..=4) registers of `value` (1..=32).
fn value_run(value: u8, count: usize) -> u8 {
    0x80 | (value - 1) << 2 | (count - 1) as u8
}

/// Calls `f` with the first register and the run, for each run of a checked sparse value.
/// Fails unless the runs cover the registers exactly, before `f` sees a register past the last.
fn each_run(bytes: &[u8], mut f: impl FnMut(usize, Run)) -> Result<(), Fault> {
    let (mut at, mut register) = (HEADER, 0);
    while at < bytes.len() {
        let run = read_run(&bytes[at..]).ok_or(Fault::Corrupt)?;
        if register + run.count > REGISTERS {
            return Err(Fault::Corrupt);
        }
        f(register, run);
        register += run.count;
        at += run.size;
    }
    if register == REGISTERS { Ok(()) } else { Err(Fault::Corrupt) }
}

/// Raises a register of a sparse value: rewrites the run that holds it as up to three, or makes the value dense
/// when the result would be too long or the new value too large for a run.
fn raise_sparse(bytes: &mut Vec<u8>, index: usize, value: u8, sparse_max: usize) -> Result<bool, Fault> {
    if value > SPARSE_VALUE_MAX {
        to_dense(bytes)?;
        return Ok(raise_dense(bytes, index, value));
    }
    let (mut at, mut previous, mut first) = (HEADER, HEADER, 0);
    let run = loop {
        let run = bytes.get(at..).and_then(read_run).ok_or(Fault::Corrupt)?;
        if index < first + run.count {
            break run;
        }
        first += run.count;
        (previous, at) = (at, at + run.size);
    };
    if first + run.count > REGISTERS {
        return Err(Fault::Corrupt);
    }
    if run.value >= value {
        return Ok(false);
    }
    // The registers of the run before and after this one keep their value: at most 2 + 1 + 2 bytes.
    let (mut fresh, mut len) = ([0u8; 5], 0);
    let keep = |out: &mut [u8], count: usize| match (count, run.value) {
        (0, _) => 0,
        (_, 0) => put_zeros(out, count),
        (_, old) => {
            out[0] = value_run(old, count);
            1
        }
    };
    len += keep(&mut fresh[len..], index - first);
    fresh[len] = value_run(value, 1);
    len += 1;
    len += keep(&mut fresh[len..], first + run.count - 1 - index);
    if len > run.size && bytes.len() + len - run.size > sparse_max {
        to_dense(bytes)?;
        return Ok(raise_dense(bytes, index, value));
    }
    bytes.splice(at..at + run.size, fresh[..len].iter().copied());
    join_runs(bytes, previous);
    Ok(true)
}

/// Joins neighbouring runs of one value around a rewritten run.
///
/// `at`: the run before the rewritten one. Five steps see every run that the rewrite can have brought together:
/// the one before, up to three new ones and the one after. A join takes a step without moving on, because the
/// joined run may join again. The step count is part of the format: one more would join runs that Redis leaves
/// apart, and the bytes would differ.
fn join_runs(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..5 {
        let Some(run) = bytes.get(at..).and_then(read_run) else {
            return;
        };
        let next = if run.value == 0 { None } else { bytes.get(at + 1..).and_then(read_run) };
        match next {
            Some(next) if next.value == run.value && next.count + run.count <= 4 => {
                bytes[at + 1] = value_run(run.value, run.count + next.count);
                bytes.remove(at);
            }
            _ => at += run.size,
        }
    }
}

/// The sparse runs as PFDEBUG DECODE prints them: `z:N` short zeros, `Z:N` long zeros, `v:VALUE,N`.
/// Fails with `NotHll` for a dense value.
pub fn describe_sparse(bytes: &[u8]) -> Result<String, Fault> {
    if check(bytes)? == Encoding::Dense {
        return Err(Fault::NotHll);
    }
    let mut text = String::new();
    each_run(bytes, |_, run| {
        let gap = if text.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = match (run.value, run.size) {
            (0, 1) => write!(text, "{gap}z:{}", run.count),
            (0, _) => write!(text, "{gap}Z:{}", run.count),
            (value, _) => write!(text, "{gap}v:{value},{}", run.count),
        };
    })?;
    Ok(text)
}

// ---- counting and merging ----

/// How many registers hold each value.
type Histogram = [u32; 64];

/// Estimated number of distinct elements, from the registers (the cached count is not looked at).
/// Fails with `NotHll` or `Corrupt`. O(16384), or O(length) when sparse.
pub fn count(bytes: &[u8]) -> Result<u64, Fault> {
    let mut histogram: Histogram = [0; 64];
    match check(bytes)? {
        Encoding::Dense => {
            // Three bytes hold four registers.
            for three in bytes[HEADER..].chunks_exact(3) {
                let four = u32::from_le_bytes([three[0], three[1], three[2], 0]);
                for shift in [0, 6, 12, 18] {
                    histogram[(four >> shift & 63) as usize] += 1;
                }
            }
        }
        Encoding::Sparse => each_run(bytes, |_, run| histogram[usize::from(run.value)] += run.count as u32)?,
    }
    Ok(estimate(&histogram))
}

/// Ertl's improved raw estimate.
fn estimate(histogram: &Histogram) -> u64 {
    // 1 / (2 ln 2).
    const ALPHA: f64 = 0.721_347_520_444_481_7;
    let m = REGISTERS as f64;
    let share = |registers: u32| f64::from(registers) / m;
    let full = histogram[VALUE_BITS as usize + 1];
    let mut z = m * tau(share(REGISTERS as u32 - full));
    for value in (1..=VALUE_BITS as usize).rev() {
        z += f64::from(histogram[value]);
        z *= 0.5;
    }
    z += m * sigma(share(histogram[0]));
    let estimate = (ALPHA * m * m / z).round();
    // Registers no element can produce make z zero: answer the largest count instead of infinity.
    (estimate as u64).min(i64::MAX as u64)
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        let before = z;
        x *= x;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        let before = z;
        x = x.sqrt();
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

/// The registers of one or several values, one byte each: what PFCOUNT of several keys counts and PFMERGE writes.
/// They can travel between cores and be merged in any order.
pub struct Registers {
    values: Box<[u8; REGISTERS]>,
    any_dense: bool,
}

impl Default for Registers {
    fn default() -> Registers {
        Registers { values: Box::new([0; REGISTERS]), any_dense: false }
    }
}

impl Registers {
    /// The value of register `index`; None past the last.
    pub fn get(&self, index: usize) -> Option<u8> {
        self.values.get(index).copied()
    }

    /// Raises every register to that of `bytes`. Fails with `NotHll` or `Corrupt`; some registers may then have
    /// been raised, so the caller drops these registers.
    pub fn merge(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let values = &mut self.values;
        match check(bytes)? {
            Encoding::Dense => {
                self.any_dense = true;
                for (three, four) in bytes[HEADER..].chunks_exact(3).zip(values.chunks_exact_mut(4)) {
                    let packed = u32::from_le_bytes([three[0], three[1], three[2], 0]);
                    for (i, value) in four.iter_mut().enumerate() {
                        *value = (*value).max((packed >> (6 * i)) as u8 & 63);
                    }
                }
                Ok(())
            }
            Encoding::Sparse => each_run(bytes, |first, run| {
                values[first..first + run.count].iter_mut().for_each(|v| *v = (*v).max(run.value));
            }),
        }
    }

    /// Raises every register to that of `other`.
    pub fn merge_registers(&mut self, other: &Registers) {
        self.any_dense |= other.any_dense;
        self.values.iter_mut().zip(other.values.iter()).for_each(|(a, b)| *a = (*a).max(*b));
    }

    /// Estimated number of distinct elements.
    pub fn count(&self) -> u64 {
        let mut histogram: Histogram = [0; 64];
        self.values.iter().for_each(|v| histogram[usize::from(v & 63)] += 1);
        estimate(&histogram)
    }

    /// Writes the registers into PFMERGE's destination (an existing value already merged into these registers,
    /// or [`create`]): dense when any merged value was dense, else register by register as PFADD would, with
    /// the same `sparse_max`. The cached count becomes stale. Fails with `NotHll` or `Corrupt`.
    pub fn write_into(&self, destination: &mut Vec<u8>, sparse_max: usize) -> Result<(), Fault> {
        check(destination)?;
        if self.any_dense {
            to_dense(destination)?;
        }
        for (index, value) in self.values.iter().enumerate().filter(|(_, v)| **v != 0) {
            raise(destination, index, *value, sparse_max)?;
        }
        mark_stale(destination);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
