//! DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE] and DEBUG LOADAOF: all keys go and come back from the files. Clients wait meanwhile.
//! Ref: redis.io/commands/debug

use crate::spec::persist::Wish;
use crate::spec::{Args, Call, Outcome, Refusal};

/// What is loaded again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reload {
    Snapshot { saves: bool, flushes: bool, merges: bool },
    Log,
}

/// Whether a call of DEBUG is one of these two; core 0 carries them out for all.
pub(super) fn is_reload(args: &Args) -> bool {
    args.is(1, "RELOAD") || args.is(1, "LOADAOF")
}

/// Reads the words; `None` if they are about something else.
pub(super) fn parse(args: &Args) -> Result<Option<Reload>, Refusal> {
    if args.is(1, "LOADAOF") {
        return Ok(Some(Reload::Log));
    }
    if !args.is(1, "RELOAD") {
        return Ok(None);
    }
    let (mut saves, mut flushes, mut merges) = (true, true, false);
    for i in 2..args.len() {
        match () {
            () if args.is(i, "MERGE") => merges = true,
            () if args.is(i, "NOFLUSH") => flushes = false,
            () if args.is(i, "NOSAVE") => saves = false,
            () => return Err(Refusal::fixed("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")),
        }
    }
    Ok(Some(Reload::Snapshot { saves, flushes, merges }))
}

/// On core 0. A transaction cannot wait for files.
pub(super) fn run(call: &mut Call, how: Reload) -> Outcome {
    if call.origin.in_multi {
        return Err(Refusal::NO_MULTI);
    }
    let ask = call.defer();
    call.shard.wishes.push(match how {
        Reload::Snapshot { saves, flushes, merges } => Wish::Reload { ask, saves, flushes, merges },
        Reload::Log => Wish::LoadLog(ask),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::tests::{shard, words};
    use crate::proto::{Span, encode::Out};
    use crate::spec::persist::{Ask, Wish};
    use crate::spec::{Args, Call, Outcome, Shard, call::Origin};

    fn run(shard: &mut Shard, line: &str, in_multi: bool) -> Outcome {
        let words = words(line);
        let (base, mut spans) = (words.concat(), Vec::new());
        for word in &words {
            let start = spans.last().map_or(0, |s: &Span| s.start + s.len);
            spans.push(Span { start, len: word.len() as u32 });
        }
        let mut out = Out::new(false);
        let (args, origin) = (Args { base: &base, spans: &spans }, Origin { in_multi, ..Origin::default() });
        assert!(super::is_reload(&args));
        let spec = &super::super::SPEC;
        let outcome = super::super::run(&mut Call { spec, args, out: &mut out, shard, db: 0, now: 1, origin, home: None, hint: None });
        assert_eq!(out.buf, b"", "nothing is answered now");
        outcome
    }

    #[test]
    fn options_become_one_wish_which_answers_later() {
        let shard = &mut shard();
        assert_eq!(run(shard, "DEBUG RELOAD", false), Ok(()));
        assert_eq!(run(shard, "debug reload nosave noflush merge", false), Ok(()));
        assert_eq!(run(shard, "debug loadaof", false), Ok(()));
        let expected = [
            Wish::Reload { ask: Ask(1), saves: true, flushes: true, merges: false },
            Wish::Reload { ask: Ask(2), saves: false, flushes: false, merges: true },
            Wish::LoadLog(Ask(3)),
        ];
        assert_eq!((&shard.wishes[..], shard.deferred), (&expected[..], Some(Ask(3))));
    }

    #[test]
    fn a_transaction_cannot_wait_for_files() {
        let shard = &mut shard();
        assert!(run(shard, "DEBUG RELOAD", true).is_err() && run(shard, "DEBUG LOADAOF", true).is_err());
        assert!(shard.wishes.is_empty() && shard.deferred.is_none());
    }
}
