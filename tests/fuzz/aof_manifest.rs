//! Any bytes as a manifest: refused with the block of text that stock servers log, or read, and then written and read again the same.

use ringfort::persist::aof::Manifest;

/// One input of the fuzzer.
pub fn run(data: &[u8]) {
    match Manifest::parse(data) {
        Err(why) => assert!(why.starts_with("\n*** FATAL AOF MANIFEST FILE ERROR ***\n\n"), "{why}"),
        Ok(manifest) => {
            let mut rising = manifest.incrs.iter().map(|f| f.seq);
            assert!(rising.clone().zip(rising.by_ref().skip(1)).all(|(a, b)| a < b));
            assert!(manifest.iter().all(|(_, f)| f.seq != 0 && !f.name.contains(&b'/')));
            assert!(manifest.next_base() > 0 && manifest.next_incr() > 0);
            if manifest.iter().next().is_some() {
                let bytes = manifest.to_bytes();
                // Names can grow beyond a line when they are quoted.
                if bytes.split(|b| *b == b'\n').all(|line| line.len() < 1024) {
                    assert_eq!(Manifest::parse(&bytes), Ok(manifest));
                }
            }
        }
    }
}
