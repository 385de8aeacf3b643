//! Argument grammar of a command, as COMMAND DOCS prints it.
//! Ref: redis.io/docs/latest/develop/reference/command-arguments

/// What one argument is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    String,
    Integer,
    Double,
    /// Refers to key spec number n of the command.
    Key(u8),
    Pattern,
    /// A pattern of keys that belong to key spec number n of the command.
    PatternOf(u8),
    UnixTime,
    PureToken,
    OneOf,
    Block,
}

/// One argument; blocks and alternatives nest.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    pub name: &'static str,
    pub kind: Kind,
    /// Literal word before the value ("" = none).
    pub token: &'static str,
    pub optional: bool,
    pub multiple: bool,
    /// The token is repeated with every value.
    pub multiple_token: bool,
    pub since: &'static str,
    /// Since when it should no longer be used ("" = it may be).
    pub deprecated_since: &'static str,
    /// What stands for the value in a synopsis ("" = the name).
    pub display: &'static str,
    pub subs: &'static [Arg],
}

impl Arg {
    const fn new(name: &'static str, kind: Kind) -> Arg {
        Arg {
            name,
            kind,
            token: "",
            optional: false,
            multiple: false,
            multiple_token: false,
            since: "",
            deprecated_since: "",
            display: "",
            subs: &[],
        }
    }
    /// A key of the command's first key spec.
    pub const fn key(name: &'static str) -> Arg {
        Arg::new(name, Kind::Key(0))
    }
    /// A key of key spec `n`.
    pub const fn key_of(name: &'static str, n: u8) -> Arg {
        Arg::new(name, Kind::Key(n))
    }
    pub const fn string(name: &'static str) -> Arg {
        Arg::new(name, Kind::String)
    }
    pub const fn integer(name: &'static str) -> Arg {
        Arg::new(name, Kind::Integer)
    }
    pub const fn double(name: &'static str) -> Arg {
        Arg::new(name, Kind::Double)
    }
    pub const fn pattern(name: &'static str) -> Arg {
        Arg::new(name, Kind::Pattern)
    }
    /// A pattern of keys of key spec `n`.
    pub const fn pattern_of(name: &'static str, n: u8) -> Arg {
        Arg::new(name, Kind::PatternOf(n))
    }
    pub const fn unix_time(name: &'static str) -> Arg {
        Arg::new(name, Kind::UnixTime)
    }
    /// A word that stands for itself.
    pub const fn word(name: &'static str, token: &'static str) -> Arg {
        let mut a = Arg::new(name, Kind::PureToken);
        a.token = token;
        a
    }
    pub const fn one_of(name: &'static str, subs: &'static [Arg]) -> Arg {
        let mut a = Arg::new(name, Kind::OneOf);
        a.subs = subs;
        a
    }
    pub const fn block(name: &'static str, subs: &'static [Arg]) -> Arg {
        let mut a = Arg::new(name, Kind::Block);
        a.subs = subs;
        a
    }
    /// The same, introduced by `token`.
    pub const fn token(mut self, token: &'static str) -> Arg {
        self.token = token;
        self
    }
    pub const fn optional(mut self) -> Arg {
        self.optional = true;
        self
    }
    pub const fn multiple(mut self) -> Arg {
        self.multiple = true;
        self
    }
    pub const fn multiple_token(mut self) -> Arg {
        self.multiple_token = true;
        self
    }
    pub const fn deprecated(mut self, version: &'static str) -> Arg {
        self.deprecated_since = version;
        self
    }
    pub const fn display(mut self, text: &'static str) -> Arg {
        self.display = text;
        self
    }
    pub const fn since(mut self, version: &'static str) -> Arg {
        self.since = version;
        self
    }
}
