//! HyperLogLogs: any bytes are refused or can be counted, added to, merged and made dense without a panic; what was valid stays so.

use ringfort::data::hll::{self, Registers};

/// One input of the fuzzer: the bytes of a string, and the same with a right head.
pub fn run(data: &[u8]) {
    try_all(data);
    let mut headed = b"HYLL".to_vec();
    headed.extend_from_slice(data);
    try_all(&headed);
}

fn try_all(bytes: &[u8]) {
    let count = hll::count(bytes);
    let _ = (hll::cached(bytes), hll::describe_sparse(bytes));
    let mut registers = Registers::default();
    let merged = registers.merge(bytes);
    assert!(merged.is_ok() || count.is_err(), "what can be counted can be merged");
    if merged.is_ok() {
        assert_eq!(Ok(registers.count()), count);
    }
    let mut dense = bytes.to_vec();
    if hll::to_dense(&mut dense).is_ok() {
        assert_eq!(hll::count(&dense), count);
    }
    for sparse_max in [0, 3000] {
        let mut more = bytes.to_vec();
        for element in bytes.chunks(3).take(20) {
            if hll::add(&mut more, element, sparse_max).is_err() {
                break;
            }
        }
        assert!(hll::count(&more).is_ok() || count.is_err(), "additions keep it valid");
    }
}
