//! `ringfort report FILE`: what is in a snapshot file: the biggest keys, memory by type and by prefix, and when keys expire.
//!
//! Layer 8. Memory is what the value takes in this server, plus the key; bytes in the file stand beside it.
//! Ref: redis.io/commands/memory-usage

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::fmt::Write as _;
use std::time::SystemTime;

use super::rdb_file::{Facts, Sink, Trouble, read};
use crate::data::codec::Value;
use crate::data::codec::collection::View;
use crate::metrics::human;
use crate::persist::rdb::Record;

/// What an entry takes besides key and value, about.
const ENTRY: u64 = 24;
/// More prefixes than this are not told apart: the rest counts as one.
const PREFIXES_MAX: usize = 1_000_000;
const OTHERS: &str = "(others)";

pub const USAGE: &str = "\
Usage: ringfort report FILE [options]

  --format table|csv|json  table
  --top N                  biggest keys and prefixes shown; 20
  --separator TEXT         what ends a part of a prefix; :
  --prefix-depth N         parts of a prefix; 1";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    Table,
    Csv,
    Json,
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    path: String,
    form: Form,
    top: usize,
    separator: String,
    depth: usize,
}

/// Runs the tool with the words behind its name. Returns the exit code: 0 done, 1 failed, 2 not understood.
pub fn main(arguments: &[String]) -> i32 {
    if arguments.iter().any(|a| a == "--help") {
        println!("{USAGE}");
        return 0;
    }
    let options = match parse(arguments) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("ringfort report: {why}\n\n{USAGE}");
            return 2;
        }
    };
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut tally = Tally::new(&options, i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    match read(&options.path, (0, 1), &mut tally) {
        Ok(_) => {
            print!("{}", tally.text(&options));
            0
        }
        Err(Trouble::Disk(e)) => {
            eprintln!("ringfort report: {}: {e}", options.path);
            1
        }
        Err(Trouble::File { failure, .. }) => {
            eprintln!("ringfort report: {}: offset {}: {}", options.path, failure.at, failure.cause);
            1
        }
    }
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options { path: String::new(), form: Form::Table, top: 20, separator: ":".into(), depth: 1 };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if !word.starts_with("--") {
            if !options.path.is_empty() {
                return Err("more than one file".into());
            }
            options.path.clone_from(word);
            continue;
        }
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let number = || value.parse::<usize>().map_err(|_| format!("{word} needs a number"));
        match word.as_str() {
            "--format" => {
                options.form = match value.as_str() {
                    "table" => Form::Table,
                    "csv" => Form::Csv,
                    "json" => Form::Json,
                    other => return Err(format!("no such format: {other}")),
                }
            }
            "--top" => options.top = number()?,
            "--prefix-depth" => options.depth = number()?,
            "--separator" if !value.is_empty() => options.separator.clone_from(value),
            other => return Err(format!("no such option: {other}")),
        }
    }
    if options.path.is_empty() { Err("which file?".into()) } else { Ok(options) }
}

#[derive(Clone, Copy, Default)]
struct Sum {
    keys: u64,
    memory: u64,
    file: u64,
}

impl Sum {
    fn add(&mut self, memory: u64, file: u64) {
        self.keys += 1;
        self.memory += memory;
        self.file += file;
    }
}

/// Memory, key, database, type, elements.
type Big = (u64, Vec<u8>, u64, &'static str, u64);

struct Tally {
    now: i64,
    top: usize,
    separator: Vec<u8>,
    depth: usize,
    all: Sum,
    types: BTreeMap<&'static str, Sum>,
    prefixes: HashMap<Vec<u8>, Sum>,
    biggest: BinaryHeap<Reverse<Big>>,
    /// Keys by the time they have left: bounds as in `LEFT`, then those without.
    left: [u64; LEFT.len() + 1],
}

/// Time left up to so many ms, with a name.
const LEFT: [(i64, &str); 7] = [
    (0, "expired"),
    (60_000, "under 1 minute"),
    (3_600_000, "under 1 hour"),
    (86_400_000, "under 1 day"),
    (7 * 86_400_000, "under 7 days"),
    (30 * 86_400_000, "under 30 days"),
    (i64::MAX, "30 days and more"),
];

impl Tally {
    fn new(options: &Options, now: i64) -> Tally {
        Tally {
            now,
            top: options.top,
            separator: options.separator.clone().into_bytes(),
            depth: options.depth,
            all: Sum::default(),
            types: BTreeMap::new(),
            prefixes: HashMap::new(),
            biggest: BinaryHeap::new(),
            left: [0; LEFT.len() + 1],
        }
    }

    /// The key up to the `depth`th separator; a key with fewer has what it has, without one its prefix is empty.
    fn prefix<'a>(&self, key: &'a [u8]) -> &'a [u8] {
        let finder = memchr::memmem::Finder::new(&self.separator);
        let mut end = 0;
        for _ in 0..self.depth {
            match key.get(end..).and_then(|rest| finder.find(rest)) {
                Some(at) => end += at + self.separator.len(),
                None => break,
            }
        }
        key.get(..end).unwrap_or_default()
    }

    fn text(&mut self, options: &Options) -> String {
        let mut biggest: Vec<Big> = std::mem::take(&mut self.biggest).into_iter().map(|Reverse(big)| big).collect();
        biggest.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let mut prefixes: Vec<(Vec<u8>, Sum)> = std::mem::take(&mut self.prefixes).into_iter().collect();
        prefixes.sort_by(|a, b| b.1.memory.cmp(&a.1.memory).then_with(|| a.0.cmp(&b.0)));
        prefixes.truncate(self.top);
        match options.form {
            Form::Table => self.table(&biggest, &prefixes),
            Form::Csv => self.csv(&biggest, &prefixes),
            Form::Json => self.json(&biggest, &prefixes),
        }
    }

    /// Names and counts of the histogram.
    fn times(&self) -> impl Iterator<Item = (&'static str, u64)> {
        LEFT.iter().map(|(_, name)| *name).chain(["no expiry"]).zip(self.left)
    }

    fn table(&self, biggest: &[Big], prefixes: &[(Vec<u8>, Sum)]) -> String {
        let mut out = String::new();
        let row = |out: &mut String, name: &str, sum: &Sum| {
            let share = human::percent(sum.memory, self.all.memory);
            line(out, &format!("{name:<40} {:>12} {:>10} {:>8} {:>10}", sum.keys, human::bytes(sum.memory), share, human::bytes(sum.file)));
        };
        let head = |out: &mut String, what: &str| {
            line(out, &format!("{what:<40} {:>12} {:>10} {:>8} {:>10}", "keys", "memory", "share", "file"));
        };
        head(&mut out, "By type");
        self.types.iter().for_each(|(name, sum)| row(&mut out, name, sum));
        row(&mut out, "all", &self.all);
        line(&mut out, "");
        head(&mut out, "By prefix");
        prefixes.iter().for_each(|(name, sum)| row(&mut out, &shown(name), sum));
        line(&mut out, &format!("\n{:<40} {:>12} {:>10} {:>8} {:>10}", "Biggest keys", "type", "elements", "db", "memory"));
        for (memory, key, db, kind, elements) in biggest {
            line(&mut out, &format!("{:<40} {kind:>12} {elements:>10} {db:>8} {:>10}", shown(key), human::bytes(*memory)));
        }
        line(&mut out, &format!("\n{:<40} {:>12} {:>10}", "Time left", "keys", "share"));
        for (name, count) in self.times() {
            line(&mut out, &format!("{name:<40} {count:>12} {:>10}", human::percent(count, self.all.keys)));
        }
        out
    }

    /// One table: section, name, and figures that the section has.
    fn csv(&self, biggest: &[Big], prefixes: &[(Vec<u8>, Sum)]) -> String {
        let mut out = String::from("section,name,keys,memory,file,type,elements,db\n");
        let row = |out: &mut String, section: &str, name: &str, sum: &Sum| {
            line(out, &format!("{section},{},{},{},{},,,", quoted(name), sum.keys, sum.memory, sum.file));
        };
        self.types.iter().for_each(|(name, sum)| row(&mut out, "type", name, sum));
        row(&mut out, "all", "all", &self.all);
        prefixes.iter().for_each(|(name, sum)| row(&mut out, "prefix", &shown(name), sum));
        for (memory, key, db, kind, elements) in biggest {
            line(&mut out, &format!("key,{},1,{memory},,{kind},{elements},{db}", quoted(&shown(key))));
        }
        self.times().for_each(|(name, count)| line(&mut out, &format!("time left,{name},{count},,,,,")));
        out
    }

    fn json(&self, biggest: &[Big], prefixes: &[(Vec<u8>, Sum)]) -> String {
        let figures = |sum: &Sum| format!("\"keys\":{},\"memory\":{},\"file\":{}", sum.keys, sum.memory, sum.file);
        let named = |name: &str, sum: &Sum| format!("{{\"name\":{},{}}}", json_text(name), figures(sum));
        let types: Vec<String> = self.types.iter().map(|(name, sum)| named(name, sum)).collect();
        let prefixes: Vec<String> = prefixes.iter().map(|(name, sum)| named(&shown(name), sum)).collect();
        let keys: Vec<String> = biggest
            .iter()
            .map(|(memory, key, db, kind, elements)| {
                let key = json_text(&shown(key));
                format!("{{\"key\":{key},\"db\":{db},\"type\":\"{kind}\",\"elements\":{elements},\"memory\":{memory}}}")
            })
            .collect();
        let times: Vec<String> = self.times().map(|(name, count)| format!("{}:{count}", json_text(name))).collect();
        format!(
            "{{\"all\":{{{}}},\"types\":[{}],\"prefixes\":[{}],\"biggest\":[{}],\"time_left\":{{{}}}}}\n",
            figures(&self.all),
            types.join(","),
            prefixes.join(","),
            keys.join(","),
            times.join(",")
        )
    }
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

/// A key in print: what is not text is escaped.
fn shown(key: &[u8]) -> String {
    match std::str::from_utf8(key) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_string(),
        _ => key.escape_ascii().to_string(),
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

fn json_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Type, elements and bytes of a value.
fn measured(value: &Value) -> (&'static str, u64, u64) {
    let object = match value {
        Value::Int(_) => return ("string", 1, 8),
        Value::Str(bytes) => return ("string", 1, bytes.len() as u64),
        Value::Object(object) => object,
    };
    let elements = match View::of(object) {
        View::List(list) => list.len(),
        View::Set(set) => set.len() as u64,
        View::Zset(zset) => zset.len() as u64,
        View::Hash(hash) => hash.len() as u64,
        View::Stream(stream) => stream.facts.length,
    };
    let bytes = object.as_inline().map_or_else(|| object.bytes(), <[u8]>::len);
    (object.kind().name(), elements, bytes as u64)
}

impl Sink for Tally {
    fn record(&mut self, _record: &Record<'_>, _at: u64) {}

    fn key(&mut self, facts: &Facts<'_>, value: Option<Value>) {
        let (kind, elements, bytes) = value.as_ref().map_or(("module", 0, 0), measured);
        let memory = bytes + facts.key.len() as u64 + ENTRY;
        self.all.add(memory, facts.file_bytes);
        self.types.entry(kind).or_default().add(memory, facts.file_bytes);
        let prefix = self.prefix(facts.key);
        if self.prefixes.len() < PREFIXES_MAX || self.prefixes.contains_key(prefix) {
            let prefix = prefix.to_vec();
            self.prefixes.entry(prefix).or_default().add(memory, facts.file_bytes);
        } else {
            self.prefixes.entry(OTHERS.into()).or_default().add(memory, facts.file_bytes);
        }
        if self.biggest.len() < self.top || self.biggest.peek().is_some_and(|Reverse(least)| least.0 < memory) {
            self.biggest.push(Reverse((memory, facts.key.to_vec(), facts.db, kind, elements)));
            if self.biggest.len() > self.top {
                self.biggest.pop();
            }
        }
        let class = match facts.expire_at {
            None => LEFT.len(),
            Some(at) => LEFT.iter().position(|(most, _)| at.saturating_sub(self.now) < *most).unwrap_or(LEFT.len() - 1),
        };
        if let Some(count) = self.left.get_mut(class) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(String::from).collect()
    }

    #[test]
    fn options_are_read_or_refused() {
        let options = parse(&words("f.rdb --top 3 --format json --separator / --prefix-depth 2")).unwrap();
        assert_eq!((options.top, options.form, options.separator.as_str(), options.depth), (3, Form::Json, "/", 2));
        for bad in ["--top 3", "f --top", "f --top x", "f g", "f --format xml", "f --nothing 1"] {
            assert!(parse(&words(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_are_added_up_by_type_prefix_and_time() {
        let options = parse(&words("f --top 1 --prefix-depth 2")).unwrap();
        let mut tally = Tally::new(&options, 1000);
        let mut add = |key: &str, expire_at, value| {
            tally.key(&Facts { db: 0, key: key.as_bytes(), expire_at, file_bytes: 10 }, Some(value));
        };
        add("user:1:name", None, Value::Str(vec![b'x'; 100]));
        add("user:1:age", Some(500), Value::Int(5));
        add("other", Some(50_000), Value::Int(5));
        assert_eq!(tally.prefix(b"a:b:c:d"), b"a:b:");
        assert_eq!(tally.prefixes.get(b"user:1:".as_slice()).map(|sum| sum.keys), Some(2));
        assert_eq!(tally.times().map(|(_, count)| count).collect::<Vec<_>>(), [1, 1, 0, 0, 0, 0, 0, 1]);
        let csv = Tally::text(&mut tally, &Options { form: Form::Csv, ..options });
        assert!(csv.contains("type,string,3,"), "{csv}");
        assert!(csv.contains("\nkey,user:1:name,1,135,,string,1,0\n"), "{csv}");
    }
}
