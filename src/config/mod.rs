//! Configuration: what can be set, how it is read, shown, changed and written back.
//!
//! Where it sits: layer 2. The node reads the command line and the file through it at start, gives every core a copy of
//! [`Config`], and replaces the copies after CONFIG SET. `options.rs` holds the table; `value.rs` and `kinds.rs` the
//! types of values; `file.rs` and `command_line.rs` the two sources; `rewrite.rs` the way back.
//! Invariants: a `Config` only ever holds values that passed their checks; changing several directives is all or
//! nothing, because the changes are made on a copy.
//! What it does not do: no files, no sockets, no effects. Whoever applies a new `Config` (binding a port, entering a
//! directory) throws the copy away if that fails, and answers with [`set_failed`].
//! Ref: redis.io/commands/config-get, redis.io/commands/config-set, behaviour of 7.2

pub mod command_line;
pub mod file;
pub mod kinds;
pub mod options;
pub mod rewrite;
pub mod value;

#[cfg(test)]
mod source_tests;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;

pub use command_line::{CommandLine, Mode, parse_command_line};
pub use file::{FatalConfig, Source, load};
pub use options::{Config, Directive, TABLE};
pub use rewrite::rewrite;

use options::{HIDDEN, IMMUTABLE, NOT_LOADING, OURS, PROTECTED};

/// Splits a line into words by the inline rules (quotes, escapes); None for unbalanced quotes.
pub type SplitWords = fn(&[u8]) -> Option<Vec<Vec<u8>>>;

/// Whether a text (second) matches a glob pattern (first). Both are lower case when called from here.
pub type GlobMatch = fn(&[u8], &[u8]) -> bool;

/// Circumstances of a CONFIG SET that decide what it may change.
#[derive(Clone, Copy, Debug)]
pub struct SetContext {
    /// Data is being loaded from disk or from a master.
    pub is_loading: bool,
    /// The client is connected through the loopback address or a unix socket.
    pub is_local_client: bool,
}

/// A directive whose value a CONFIG SET changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The directive's main name.
    pub name: &'static str,
    /// The name to blame in [`set_failed`] if the change cannot be applied: the one that the client used.
    pub asked: &'static str,
}

/// A directive found by name, and the name (main or other, lower case) that found it.
pub fn lookup(name: &[u8]) -> Option<(&'static Directive, &'static str)> {
    for directive in TABLE {
        for own in [Some(directive.name), directive.alias].into_iter().flatten() {
            if name.eq_ignore_ascii_case(own.as_bytes()) {
                return Some((directive, own));
            }
        }
    }
    None
}

/// The error of a CONFIG SET that failed at directive `name`, complete, without the leading `-`.
pub fn set_failed(name: &str, why: &str) -> String {
    format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {why}")
}

impl Config {
    /// The value of `name` (any case, either name) as CONFIG GET prints it; None if there is no such directive.
    pub fn get(&self, name: &[u8]) -> Option<Vec<u8>> {
        lookup(name).map(|(directive, _)| (directive.show)(self, &directive.shape))
    }

    /// The reply of CONFIG GET: names and values, each name once. A word without `*`, `?`, `[` names one directive,
    /// hidden ones too, and is repeated as the client spelled it; a pattern lists all names that match, except hidden
    /// ones. Order: that of the words, then that of the table.
    pub fn get_matching(&self, words: &[&[u8]], glob: GlobMatch) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut seen: Vec<&'static str> = Vec::new();
        for word in words {
            if !word.iter().any(|b| matches!(b, b'*' | b'?' | b'[')) {
                let Some((directive, own)) = lookup(word) else {
                    continue;
                };
                if !seen.contains(&own) {
                    seen.push(own);
                    found.push((word.to_vec(), (directive.show)(self, &directive.shape)));
                }
                continue;
            }
            let pattern = word.to_ascii_lowercase();
            for directive in TABLE.iter().filter(|d| !d.has(HIDDEN)) {
                for own in [Some(directive.name), directive.alias].into_iter().flatten() {
                    if !seen.contains(&own) && glob(&pattern, own.as_bytes()) {
                        seen.push(own);
                        found.push((own.as_bytes().to_vec(), (directive.show)(self, &directive.shape)));
                    }
                }
            }
        }
        found
    }

    /// The path of a file of this server: of `name` in the directory `dir`, whatever the working directory is by now.
    pub fn in_dir(&self, name: &[u8]) -> Vec<u8> {
        match self.dir.as_slice() {
            _ if name.starts_with(b"/") => name.to_vec(),
            b"" => name.to_vec(),
            dir if dir.ends_with(b"/") => [dir, name].concat(),
            dir => [dir, b"/", name].concat(),
        }
    }

    /// CONFIG SET: a copy with all `pairs` (name, value) changed, and what really changed; or the reply's error text
    /// without the leading `-`, and nothing changed. Every name is checked before any value is read, as in Redis.
    pub fn set_many(&self, pairs: &[(&[u8], &[u8])], context: SetContext) -> Result<(Config, Vec<Changed>), String> {
        let mut chosen: Vec<(&'static Directive, &'static str, &[u8])> = Vec::new();
        for (name, value) in pairs {
            let Some((directive, own)) = lookup(name) else {
                let name = String::from_utf8_lossy(name);
                return Err(format!("ERR Unknown option or number of arguments for CONFIG SET - '{name}'"));
            };
            self.check_settable(directive, own, context)?;
            if chosen.iter().any(|(_, other, _)| *other == own) {
                return Err(set_failed(own, "duplicate parameter"));
            }
            chosen.push((directive, own, value));
        }
        let mut changed_config = self.clone();
        for (directive, own, value) in &chosen {
            let result = if directive.is_list {
                changed_config.assign(directive, &split_at_blanks(value))
            } else {
                changed_config.assign(directive, &[value])
            };
            result.map_err(|why| set_failed(own, &why))?;
        }
        let mut changes: Vec<Changed> = Vec::new();
        for (directive, asked, _) in chosen {
            let differs = (directive.show)(self, &directive.shape) != (directive.show)(&changed_config, &directive.shape);
            if differs && directive.has(IMMUTABLE) {
                return Err(set_failed(directive.name, "can't set immutable config"));
            }
            if differs && changes.iter().all(|c| c.name != directive.name) {
                changes.push(Changed { name: directive.name, asked });
            }
        }
        Ok((changed_config, changes))
    }

    /// Whether `directive` may be set now; the error is the whole reply.
    fn check_settable(&self, directive: &Directive, own: &str, context: SetContext) -> Result<(), String> {
        use kinds::Permission;
        if directive.has(IMMUTABLE) && !directive.has(OURS) {
            return Err(set_failed(own, "can't set immutable config"));
        }
        let may_set_protected = match self.enable_protected_configs {
            Permission::Yes => true,
            Permission::Local => context.is_local_client,
            Permission::No => false,
        };
        if directive.has(PROTECTED) && !may_set_protected {
            return Err(set_failed(own, "can't set protected config"));
        }
        if directive.has(NOT_LOADING) && context.is_loading {
            return Err("LOADING Redis is loading the dataset in memory".into());
        }
        Ok(())
    }

    /// Sets one directive from the words after its name; the error is only the reason. A directive that supports
    /// nothing but its default refuses other values here, after they passed the ordinary checks.
    pub(crate) fn assign(&mut self, directive: &Directive, words: &[&[u8]]) -> Result<(), value::Why> {
        (directive.parse)(self, words, &directive.shape)?;
        // For these two Redis takes any number and works with the nearest useful one.
        self.hz = self.hz.clamp(HZ_MIN, HZ_MAX);
        self.repl_backlog_size = self.repl_backlog_size.max(REPL_BACKLOG_MIN);
        if let Some(why) = directive.only_default {
            let standard = Config::default();
            if (directive.show)(self, &directive.shape) != (directive.show)(&standard, &directive.shape) {
                return Err(why.into());
            }
        }
        Ok(())
    }
}

/// Least background rounds a second.
pub const HZ_MIN: i32 = 1;
/// Most background rounds a second.
pub const HZ_MAX: i32 = 500;

/// Least bytes of the replication backlog.
pub const REPL_BACKLOG_MIN: i64 = 16 << 10;

/// The words of a list value in one argument: cut at every single blank, none in the empty text.
fn split_at_blanks(value: &[u8]) -> Vec<&[u8]> {
    if value.is_empty() { Vec::new() } else { value.split(|b| *b == b' ').collect() }
}
