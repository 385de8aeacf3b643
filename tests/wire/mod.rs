//! Bad, odd and split input on the wire. The table is in rows.rs, what needs more than a table is in streams.rs; together
//! with the list of rows that wait for their part of the server they account for every row of the catalogue.
//! The rows of the table are run against the distribution's redis-server as well, which must agree.

mod operators;
mod rows;
mod streams;

use crate::support::{Program, Server, cases, reply::printable};
use rows::{Expected, Raw, Talk, Where};
use std::time::Duration;

/// Number of rows of the catalogue that this table answers for.
const ROWS: u8 = 120;
/// Sent behind a row's input; its reply shows that everything before it was answered.
const MARKER: &[u8] = b"*2\r\n$4\r\nECHO\r\n$9\r\nthe-end-7\r\n";
const MARKER_REPLY: &[u8] = b"$9\r\nthe-end-7\r\n";
/// Wait for bytes that must not come.
const QUIET: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(20);

/// What a server did with a row: its bytes and whether it closed.
#[derive(PartialEq, Eq)]
struct Outcome {
    bytes: Vec<u8>,
    has_closed: bool,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"{}", printable(&self.bytes), if self.has_closed { ", closed" } else { "" })
    }
}

/// The servers of one program that rows ask for.
struct Pair {
    plain: Server,
    guarded: Server,
}

impl Pair {
    fn start(program: Program) -> Pair {
        let cores: &[&str] = if program == Program::Ringfort { &["--cores", "2"] } else { &[] };
        let guarded = [cores, &["--requirepass", rows::PASSWORD]].concat();
        Pair { plain: Server::start(program, cores), guarded: Server::start(program, &guarded) }
    }

    fn server(&self, place: Where) -> &Server {
        match place {
            Where::Plain => &self.plain,
            Where::Guarded => &self.guarded,
        }
    }

    fn reset(&self, place: Where) {
        let mut client = self.server(place).client();
        if place == Where::Guarded {
            client.call(&["AUTH", rows::PASSWORD]);
        }
        client.call(&["FLUSHALL"]);
    }

    /// Runs a row of bytes.
    fn raw(&self, row: &Raw) -> Outcome {
        self.reset(row.place);
        let mut client = self.server(row.place).client();
        let segments = (row.input)();
        // A few segments: the server has answered one before the next arrives, on a busy machine too.
        let pause = Duration::from_millis(if segments.len() < 10 { 300 } else { 5 });
        for segment in segments {
            client.send(&segment);
            if row.is_slow {
                std::thread::sleep(pause);
            }
        }
        let (mut bytes, has_closed) = match row.expected {
            Expected::Waits => client.read_raw(QUIET, |_| false),
            Expected::Closes(_) => client.read_raw(PATIENCE, |_| false),
            Expected::Replies(_) | Expected::Same => {
                client.send(MARKER);
                client.read_raw(PATIENCE, |b| b.ends_with(MARKER_REPLY))
            }
        };
        if !has_closed && bytes.ends_with(MARKER_REPLY) {
            bytes.truncate(bytes.len() - MARKER_REPLY.len());
        }
        Outcome { bytes, has_closed }
    }

    /// Runs a row of commands; returns what was wrong.
    fn talk(&self, row: &Talk) -> Vec<String> {
        self.reset(row.place);
        let program = self.plain.program;
        let lines = match cases::parse(row.lines) {
            Ok(lines) => lines,
            Err(why) => return vec![format!("B{}: {why}", row.number)],
        };
        let (mut client, mut resp, mut wrong) = (self.server(row.place).client(), 2, Vec::new());
        for case in lines.iter().filter(|c| program == Program::Ringfort || !c.skip_stock) {
            match client.try_call(&case.words) {
                Ok(reply) => {
                    resp = cases::version_after(&case.words, &reply, resp);
                    if !case.expected.fits(&reply, resp) {
                        wrong.push(format!("B{} on {program:?}: {}\n    got {reply}", row.number, case.text));
                    }
                }
                Err(silence) => {
                    wrong.push(format!("B{} on {program:?}: {}\n    got {silence:?}", row.number, case.text));
                    break;
                }
            }
        }
        wrong
    }

    fn death(&mut self) -> Option<String> {
        let ended = |s: &mut Server| (!s.is_alive()).then(|| format!("{:?} ended:\n{}", s.program, s.last_words()));
        ended(&mut self.plain).or_else(|| ended(&mut self.guarded))
    }
}

fn misfit(row: &Raw, got: &Outcome) -> Option<String> {
    let fits = match row.expected {
        Expected::Replies(want) => got.bytes == want && !got.has_closed,
        Expected::Closes(want) => got.bytes == want && got.has_closed,
        Expected::Waits => got.bytes.is_empty() && !got.has_closed,
        Expected::Same => true,
    };
    let want = match row.expected {
        Expected::Replies(want) => format!("\"{}\"", printable(want)),
        Expected::Closes(want) => format!("\"{}\", closed", printable(want)),
        Expected::Waits | Expected::Same => "no reply".to_string(),
    };
    (!fits).then(|| format!("B{} ({}): got {got}, expected {want}", row.number, row.what))
}

#[test]
fn stock_server_agrees_with_the_table() {
    let stock = Pair::start(Program::Debian);
    let mut wrong: Vec<_> =
        rows::RAW.iter().filter_map(|row| misfit(row, &stock.raw(row)).map(|why| format!("{why} (of {:?})", Program::Debian))).collect();
    wrong.extend(rows::TALK.iter().flat_map(|row| stock.talk(row)));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn ringfort_answers_bad_input_as_the_table_says() {
    let mut ours = Pair::start(Program::Ringfort);
    let stock = Pair::start(Program::Debian);
    let mut wrong = Vec::new();
    for row in rows::RAW {
        let got = ours.raw(row);
        wrong.extend(misfit(row, &got));
        let want = stock.raw(row);
        if got != want {
            wrong.push(format!("B{} ({}): got {got}, redis-server says {want}", row.number, row.what));
        }
        if let Some(death) = ours.death() {
            panic!("B{} ({}): {death}", row.number, row.what);
        }
    }
    for row in rows::TALK {
        wrong.extend(ours.talk(row));
        if let Some(death) = ours.death() {
            panic!("B{}: {death}", row.number);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_row_of_the_catalogue_is_accounted_for() {
    let run = rows::RAW.iter().map(|r| r.number).chain(rows::TALK.iter().map(|r| r.number)).chain(streams::ROWS.iter().copied());
    let run: std::collections::BTreeSet<u8> = run.collect();
    let mut wrong = Vec::new();
    for number in 1..=ROWS {
        let reason = rows::LEFT_OUT.iter().find(|(n, _)| *n == number);
        match (run.contains(&number), reason) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(_)) => wrong.push(format!("B{number} is run and also listed as left out")),
            (false, None) => wrong.push(format!("B{number} is neither run nor listed as left out")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(run.len() + rows::LEFT_OUT.len(), usize::from(ROWS));
}
