//! The arguments of `ringfort bench`: a table of names, each with a check of its value.
//!
//! Invariants: an unknown option, a missing value and a value out of its range are errors with one line of reason; nothing is
//! ignored. Not here: what the options do.

use std::time::Duration;

/// Printed for `--help` and behind an error.
pub const USAGE: &str = "\
usage: ringfort bench [OPTION VALUE ...]
  --host HOST          server to load (127.0.0.1)
  --port PORT          (6379)
  --password WORD      sent with AUTH on every connection
  --rate N             commands a second over all connections (10000)
  --poisson            random gaps with that mean instead of even ones
  --duration SECONDS   measured time (10)
  --warmup SECONDS     time before it, not measured (1)
  --connections N      (50)
  --threads N          each needs a CPU of its own (1)
  --pipeline N         commands sent at once on a connection (1)
  --keys N             keys are drawn evenly from key:000000000000 to N - 1 (1000000)
  --value BYTES        length of values (32)
  --ratio G:S:M        parts of GET, SET and MSET in the mix (9:1:0)
  --mset-keys N        keys of one MSET (10)
  --seed N             of the random choices (1)
  --stall              instead: PING every millisecond, report the longest wait
  --pid N              with --stall: the server's process, to tell its own time from other's (cpu_ms)
  --until-eof          with --stall: stop at the end of standard input at the latest
The last line of output is name=value words; latency counts from the intended send time.";

/// What is to be done; see [`USAGE`].
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub host: String,
    pub port: u16,
    pub password: Option<String>,
    pub rate: f64,
    pub poisson: bool,
    pub duration: Duration,
    pub warmup: Duration,
    pub connections: usize,
    pub threads: usize,
    pub pipeline: u32,
    pub keys: u64,
    pub value: usize,
    /// GET, SET, MSET.
    pub ratio: [u64; 3],
    pub mset_keys: usize,
    pub seed: u64,
    pub stall: bool,
    pub until_eof: bool,
    pub pid: Option<u32>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            host: "127.0.0.1".to_string(),
            port: 6379,
            password: None,
            rate: 10_000.0,
            poisson: false,
            duration: Duration::from_secs(10),
            warmup: Duration::from_secs(1),
            connections: 50,
            threads: 1,
            pipeline: 1,
            keys: 1_000_000,
            value: 32,
            ratio: [9, 1, 0],
            mset_keys: 10,
            seed: 1,
            stall: false,
            until_eof: false,
            pid: None,
        }
    }
}

impl Options {
    /// Reads the words behind `bench`, or says what is wrong with them.
    pub fn parse(arguments: &[String]) -> Result<Options, String> {
        let mut options = Options::default();
        let mut words = arguments.iter().map(String::as_str);
        while let Some(name) = words.next() {
            match name {
                "--poisson" => options.poisson = true,
                "--stall" => options.stall = true,
                "--until-eof" => options.until_eof = true,
                _ => {
                    if !USAGE.lines().any(|l| l.split_whitespace().next() == Some(name)) || !name.starts_with("--") {
                        return Err(format!("unknown option '{name}'"));
                    }
                    let value = words.next().ok_or_else(|| format!("{name} needs a value"))?;
                    options.set(name, value)?;
                }
            }
        }
        if (options.until_eof || options.pid.is_some()) && !options.stall {
            return Err("--until-eof and --pid go with --stall only".to_string());
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "--host" => self.host = value.to_string(),
            "--port" => self.port = number(name, value, 1, 65535)? as u16,
            "--password" => self.password = Some(value.to_string()),
            "--rate" => self.rate = number(name, value, 1, 100_000_000)? as f64,
            "--duration" => self.duration = seconds(name, value, 0.001)?,
            "--warmup" => self.warmup = seconds(name, value, 0.0)?,
            "--connections" => self.connections = number(name, value, 1, 100_000)? as usize,
            "--threads" => self.threads = number(name, value, 1, 1024)? as usize,
            "--pipeline" => self.pipeline = number(name, value, 1, 10_000)? as u32,
            "--keys" => self.keys = number(name, value, 1, 1_000_000_000_000)?,
            "--value" => self.value = number(name, value, 0, 512 << 20)? as usize,
            "--ratio" => self.ratio = ratio(value)?,
            "--mset-keys" => self.mset_keys = number(name, value, 1, 100_000)? as usize,
            "--pid" => self.pid = Some(number(name, value, 1, u64::from(u32::MAX >> 10))? as u32),
            "--seed" => self.seed = number(name, value, 0, u64::MAX)?,
            _ => return Err(format!("unknown option '{name}'")),
        }
        Ok(())
    }
}

fn number(name: &str, value: &str, low: u64, high: u64) -> Result<u64, String> {
    let parsed = value.parse::<u64>().ok().filter(|n| (low..=high).contains(n));
    parsed.ok_or_else(|| format!("{name} takes a number from {low} to {high}, not '{value}'"))
}

fn seconds(name: &str, value: &str, low: f64) -> Result<Duration, String> {
    let parsed = value.parse::<f64>().ok().filter(|s| (low..=86_400.0).contains(s));
    parsed.map(Duration::from_secs_f64).ok_or_else(|| format!("{name} takes seconds from {low} to 86400, not '{value}'"))
}

fn ratio(value: &str) -> Result<[u64; 3], String> {
    let parts: Option<Vec<u64>> = value.split(':').map(|p| p.parse().ok().filter(|n| *n <= 1_000_000)).collect();
    match parts.as_deref() {
        Some([get, set, mset]) if get + set + mset > 0 => Ok([*get, *set, *mset]),
        _ => Err(format!("--ratio takes GET:SET:MSET, three numbers that are not all 0, not '{value}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options, String> {
        Options::parse(&text.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for wrong in [
            "--rat 5",
            "rate 5",
            "usage:",
            "--port",
            "--port 0",
            "--port 65536",
            "--rate 0",
            "--rate -1",
            "--ratio 1:2",
            "--ratio 0:0:0",
            "--duration 0",
            "--duration NaN",
            "--warmup inf",
            "--keys 0",
            "--until-eof",
            "--pid 5",
            "--pid 0 --stall",
            "--pipeline 1x",
            "extra",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_option_of_the_usage_text_is_read() {
        let all = "--host h --port 1 --password p --rate 5 --poisson --duration 0.5 --warmup 0 --connections 2 --threads 3 --pipeline 4 --keys 6 \
                   --value 7 --ratio 1:2:3 --mset-keys 8 --seed 9 --stall --pid 10 --until-eof";
        let options = parse(all).expect("all are options");
        assert_eq!((options.port, options.rate, options.pipeline, options.ratio, options.seed), (1, 5.0, 4, [1, 2, 3], 9));
        assert_eq!((options.duration, options.pid), (Duration::from_millis(500), Some(10)));
        let named = USAGE.lines().filter(|l| l.starts_with("  --")).count();
        assert_eq!(named, all.split_whitespace().filter(|w| w.starts_with("--")).count());
    }
}
