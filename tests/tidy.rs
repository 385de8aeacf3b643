//! The rules of the house as tests. They read the source as text; what they find is listed with file and line.
//! The rules themselves are explained in src/ARCHITECTURE.md.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Folders by layer: a folder imports only folders of a lower number. `io` is for `node` and `cli` alone.
const LAYERS: &[(&str, u8)] = &[
    ("base", 0),
    ("proto", 1),
    ("data", 1),
    ("io", 1),
    ("keyspace", 2),
    ("config", 2),
    ("metrics", 2),
    ("spec", 3),
    ("acl", 4),
    ("persist", 4),
    ("replication", 4),
    ("cluster", 4),
    ("sentinel", 4),
    ("engine", 5),
    ("commands", 6),
    ("node", 7),
    ("cli", 8),
];

/// Folders that may name the kernel, the clock and threads.
const EDGE: &[&str] = &["io", "node", "cli"];

/// Names that only the edge may use, with the reason shown.
const BANNED: &[(&str, &str)] = &[
    ("std::time", "time comes as an argument"),
    ("std::thread", "cores are started by node/"),
    ("std::net", "sockets belong to io/ and node/"),
    ("std::fs", "files belong to io/ and node/"),
    ("glommio", "the kernel is behind io/"),
    ("io_uring", "the kernel is behind io/"),
];

/// Longest file in lines.
const LINES_MAX: usize = 800;

/// Files that are longer, with their length when they were listed. A number here only ever gets smaller.
const LONG_FILES: &[(&str, usize)] = &[];

/// One source file.
struct Source {
    /// Path below src/, with `/`.
    path: String,
    text: String,
    /// The text without comments and without the contents of string literals; as many lines as `text`.
    code: String,
    /// String literals with their lines.
    literals: Vec<(usize, String)>,
    /// First line (from 1) of the unit tests at the file's end, or past the end.
    tests_from: usize,
}

impl Source {
    /// Folder directly below src/, `None` for lib.rs and main.rs.
    fn folder(&self) -> Option<&str> {
        self.path.split_once('/').map(|(folder, _)| folder)
    }
    fn is_edge(&self) -> bool {
        self.folder().is_none_or(|f| EDGE.contains(&f))
    }
    /// Whether the whole file is unit tests.
    fn is_tests(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.contains("/tests/")
    }
    /// Lines of code that are not tests, numbered from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let until = if self.is_tests() { 0 } else { self.tests_from };
        self.code.lines().enumerate().map(|(i, l)| (i + 1, l)).take_while(move |(n, _)| *n < until)
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root().join("src"), &mut files);
    files.sort();
    files.iter().map(|f| read_source(f)).collect()
}

fn collect(folder: &Path, to: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            collect(&path, to);
        } else if path.extension().is_some_and(|e| e == "rs") {
            to.push(path);
        }
    }
}

fn read_source(file: &Path) -> Source {
    let text = std::fs::read_to_string(file).expect("source is UTF-8");
    let path = file.strip_prefix(root().join("src")).expect("below src").to_string_lossy().replace('\\', "/");
    let (code, literals) = strip(&text);
    let tests_from = code
        .lines()
        .position(|l| {
            let line = l.trim_start();
            line.starts_with("#[cfg(") && line.contains("test")
        })
        .map_or(usize::MAX, |i| i + 1);
    Source { path, text, code, literals, tests_from }
}

/// Takes comments and the contents of string literals out of Rust source, keeping line ends, and lists the literals.
fn strip(text: &str) -> (String, Vec<(usize, String)>) {
    let (mut code, mut literals, mut line) = (String::new(), Vec::new(), 1);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some((open, close)) = literal(rest, &code) {
            literals.push((line, unescape(&rest[open..open + close.0], open == 1)));
            code.push_str("\"\"");
            open + close.0 + close.1
        } else if let Some(len) = char_literal(rest) {
            code.push_str("' '");
            len
        } else {
            code.push(c);
            if c == '\n' {
                line += 1;
            }
            rest = &rest[c.len_utf8()..];
            continue;
        };
        let ends = rest[..taken].matches('\n').count();
        code.extend(std::iter::repeat_n('\n', ends));
        line += ends;
        rest = &rest[taken..];
    }
    (code, literals)
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        if tail.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if tail.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// If `rest` begins with a string literal: where its contents begin, their length and the length of its end.
fn literal(rest: &str, before: &str) -> Option<(usize, (usize, usize))> {
    if let Some(tail) = rest.strip_prefix('"') {
        let mut escaped = false;
        let end = tail.bytes().position(|b| {
            let ends = b == b'"' && !escaped;
            escaped = b == b'\\' && !escaped;
            ends
        })?;
        return Some((1, (end, 1)));
    }
    let tail = rest.strip_prefix('r')?;
    if before.ends_with(|c: char| c.is_alphanumeric() || c == '_') && !before.ends_with(['b', 'c']) {
        return None;
    }
    let hashes = tail.len() - tail.trim_start_matches('#').len();
    let contents = tail[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    Some((hashes + 2, (contents.find(&close)?, close.len())))
}

/// `\"` and `\\` of a plain literal as the characters they mean; enough to compare texts.
fn unescape(contents: &str, is_plain: bool) -> String {
    if is_plain { contents.replace("\\\"", "\"").replace("\\\\", "\\") } else { contents.to_string() }
}

fn char_literal(rest: &str) -> Option<usize> {
    let tail = rest.strip_prefix('\'')?;
    if let Some(escaped) = tail.strip_prefix('\\') {
        return escaped.get(1..).and_then(|t| t.find('\'')).map(|i| i + 4);
    }
    let first = tail.chars().next()?;
    tail[first.len_utf8()..].starts_with('\'').then_some(first.len_utf8() + 2)
}

/// Names that follow `crate::` in a line, brace groups included: `crate::{base::x, data}` gives base and data.
fn crate_imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            let mut is_head = true;
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.push((line, std::mem::take(&mut name)));
                        is_head = true;
                        continue;
                    }
                    ':' if depth == 0 => is_head = false,
                    _ => {}
                }
                if is_head && depth == 0 && (c.is_alphanumeric() || c == '_') {
                    name.push(c);
                }
            }
            found.push((line, name));
        } else {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            found.push((line, rest[..end].to_string()));
        }
    }
    found.retain(|(_, name)| !name.is_empty());
    found
}

fn layer(folder: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == folder).map(|(_, n)| *n)
}

fn report(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}\n{}", found.join("\n"));
}

#[test]
fn folders_import_only_lower_layers() {
    let mut found = Vec::new();
    for source in sources() {
        let Some(folder) = source.folder() else { continue };
        let Some(own) = layer(folder) else {
            found.push(format!("src/{}: the folder {folder} has no layer", source.path));
            continue;
        };
        for (line, name) in crate_imports(&source.code) {
            let Some(other) = layer(&name) else { continue };
            let is_io_below = name == "io" && !["io", "node", "cli"].contains(&folder);
            if name != folder && (other >= own || is_io_below) {
                found.push(format!("src/{}:{line}: {folder} ({own}) imports {name} ({other})", source.path));
            }
        }
    }
    report(found, "a folder imports only folders of a lower layer; io is imported by node and cli alone");
}

/// Files beside a group's commands that are no commands: `(group, module)` of each `mod` outside its `commands![...]`.
fn helpers() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for source in sources() {
        let ["commands", group, "mod.rs"] = source.path.split('/').collect::<Vec<_>>()[..] else { continue };
        for line in source.code.lines() {
            let line = line.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
            if let Some(name) = line.strip_prefix("mod ").and_then(|l| l.strip_suffix(';')) {
                found.push((group.to_string(), name.to_string()));
            }
        }
    }
    found
}

#[test]
fn commands_do_not_import_each_other() {
    let (mut found, helpers) = (Vec::new(), helpers());
    for source in sources().iter().filter(|s| s.folder() == Some("commands")) {
        let parts: Vec<_> = source.path.split('/').collect();
        // Files directly in commands/ are for all groups; a group's mod.rs is a list.
        let Some(group) = parts.get(1).filter(|_| parts.len() >= 3) else { continue };
        let may = |name: &str| helpers.iter().any(|(g, h)| g == group && name.starts_with(h.as_str()));
        for (n, line) in source.lines() {
            let foreign = line.match_indices("crate::commands::").any(|(at, path)| {
                let rest = &line[at + path.len()..];
                let head = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
                let is_common = rest.starts_with('{') || root().join("src/commands").join(format!("{head}.rs")).is_file();
                !(is_common || rest.strip_prefix(*group).and_then(|r| r.strip_prefix("::")).is_some_and(may))
            });
            // A command's own folder (a container) may use `super` freely; a file beside others only the group's helpers.
            let is_flat = parts.len() == 3 && parts[2] != "mod.rs";
            let neighbour = is_flat
                && line.match_indices("super::").any(|(at, path)| {
                    let rest = line[at + path.len()..].trim_start_matches("super::").trim_start_matches('{');
                    !(may(rest) || rest.starts_with("self"))
                });
            if foreign || neighbour {
                found.push(format!("src/{}:{n}: {}", source.path, line.trim()));
            }
        }
    }
    report(found, "a command imports no other command's file: what two need is in shared.rs of the group or below");
}

#[test]
fn unsafe_stays_behind_its_fence() {
    let map = std::fs::read_to_string(root().join("src/ARCHITECTURE.md")).expect("src/ARCHITECTURE.md is there");
    let marked = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        map.lines().any(|l| l.contains("[unsafe") && l.split(|c: char| c.is_whitespace() || c == '`').any(|w| w == name || w == path))
    };
    let mut found = Vec::new();
    for source in sources() {
        let uses = source.code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "unsafe" || w == "unsafe_code");
        if uses && !marked(&source.path) {
            found.push(format!("src/{}: unsafe, but not marked [unsafe] in src/ARCHITECTURE.md", source.path));
        }
    }
    report(found, "unsafe code is only in files that the architecture marks");
}

#[test]
fn clock_threads_files_and_sockets_stay_at_the_edge() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|s| !s.is_edge()) {
        for (n, line) in source.lines() {
            for (name, why) in BANNED {
                if line.contains(name) && !line.contains(&format!("mod {name}")) {
                    found.push(format!("src/{}:{n}: {name}: {why}", source.path));
                }
            }
        }
    }
    report(found, "below node/ nothing names the clock, threads, files, sockets or the kernel");
}

#[test]
fn files_are_short() {
    let mut found = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        let most = LONG_FILES.iter().find(|(path, _)| *path == source.path).map_or(LINES_MAX, |(_, n)| *n);
        if lines > most {
            found.push(format!("src/{}: {lines} lines, allowed {most}", source.path));
        }
    }
    for (path, _) in LONG_FILES {
        let lines = std::fs::read_to_string(root().join("src").join(path)).map_or(0, |t| t.lines().count());
        if lines <= LINES_MAX {
            found.push(format!("src/{path} has {lines} lines: take it off the list of long files"));
        }
    }
    report(found, "a file stops at 800 lines");
}

#[test]
fn every_file_begins_with_its_head() {
    let found = sources().iter().filter(|s| !s.text.starts_with("//! ")).map(|s| format!("src/{}", s.path)).collect();
    report(found, "every file begins with `//!`: what it is, where it sits, what it does not do");
}

#[test]
fn nothing_is_left_for_later() {
    let mut found = Vec::new();
    for source in sources() {
        for (i, line) in source.code.lines().enumerate() {
            if ["todo!", "unimplemented!", "#[ignore"].iter().any(|w| line.contains(w)) {
                found.push(format!("src/{}:{}: {}", source.path, i + 1, line.trim()));
            }
        }
    }
    report(found, "no todo!, no unimplemented!, no ignored test");
}

#[test]
fn a_command_is_in_the_file_of_its_name() {
    let (mut found, helpers) = (Vec::new(), helpers());
    for source in sources().iter().filter(|s| s.folder() == Some("commands")) {
        let parts: Vec<_> = source.path.split('/').collect();
        let file = match parts.as_slice() {
            [_, _, folder, "mod.rs"] => folder,
            [_, _, file] if *file != "mod.rs" => file.trim_end_matches(".rs"),
            _ => continue,
        };
        if source.is_tests() || helpers.iter().any(|(group, helper)| group == parts[1] && helper == file) {
            continue;
        }
        let Some(at) = source.text.find("pub const SPEC: Spec") else {
            found.push(format!("src/{}: no SPEC", source.path));
            continue;
        };
        let name = source.text[at..].split("name: \"").nth(1).and_then(|t| t.split('"').next()).unwrap_or("");
        if name.to_lowercase().replace('-', "_") != file.trim_end_matches('_') {
            found.push(format!("src/{}: holds {name}", source.path));
        }
    }
    report(found, "the file of a command is named as the command");
}

#[test]
fn lists_of_commands_are_sorted() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|s| s.folder() == Some("commands")) {
        for list in source.code.split("commands![").skip(1).filter_map(|t| t.split(']').next()) {
            let names: Vec<_> = list.split_whitespace().map(|n| n.trim_start_matches("r#")).collect();
            if let Some(pair) = names.windows(2).find(|p| p[0] >= p[1]) {
                found.push(format!("src/{}: {} before {}", source.path, pair[0], pair[1]));
            }
        }
    }
    report(found, "the list of a group is sorted");
}

#[test]
fn a_refusal_is_written_once() {
    let all = sources();
    let table = all.iter().find(|s| s.path == "spec/refusal.rs").expect("the table of refusals is there");
    let texts: BTreeMap<_, _> = table.literals.iter().filter(|(_, t)| t.contains(' ') && !t.contains('{')).map(|(n, t)| (t, n)).collect();
    let mut found = Vec::new();
    for source in all.iter().filter(|s| s.folder() == Some("commands")) {
        for (line, text) in source.literals.iter().filter(|(n, _)| *n < source.tests_from) {
            if let Some(n) = texts.get(text) {
                found.push(format!("src/{}:{line}: \"{text}\" stands in spec/refusal.rs:{n}", source.path));
            }
        }
    }
    report(found, "a refusal's text is in spec/refusal.rs and nowhere else");
}

#[test]
fn source_is_read_as_the_compiler_reads_it() {
    let (code, literals) =
        strip("let a = \"x // \\\" y\"; // crate::engine\nlet b = r#\"{\"q\"}\"#; /* a /* b */ */ let c = '\"'; let d: &'static str;\n");
    assert_eq!(code, "let a = \"\"; \nlet b = r\"\";  let c = ' '; let d: &'static str;\n".replace("r\"\"", "\"\""));
    assert_eq!(literals, [(1, "x // \" y".to_string()), (2, "{\"q\"}".to_string())]);
    let names = crate_imports("use crate::{base::rng::Rng, config::{A, B}, keyspace};\ncrate::spec::X");
    let names: Vec<_> = names.iter().map(|(n, t)| (*n, t.as_str())).collect();
    assert_eq!(names, [(1, "base"), (1, "config"), (1, "keyspace"), (2, "spec")]);
}
