//! The subcommands of DEBUG that look into collections: LISTPACK, QUICKLIST, HTSTATS-KEY, and what OBJECT adds for lists.
//! The core that has the key writes the structure to the log, as Redis prints it, and sends home which answer fits.

use super::keys::is_mine;
use crate::data::collection::{Collection, Object};
use crate::data::hash::HashRef;
use crate::data::list::{ListChunk, ListRef};
use crate::data::pack::{Item, Pack};
use crate::data::set::SetForm;
use crate::data::zset::ZsetRef;
use crate::keyspace::Look;
use crate::spec::request::{LogLevel, Request};
use crate::spec::{Call, Outcome, Refusal};
use std::fmt::Write;

/// A structure that was asked for.
#[derive(Clone, Copy)]
pub enum Form {
    Listpack,
    Quicklist,
    Table,
}

const FITS: u8 = 1;
const OTHER: u8 = 2;

/// This core's part: nothing without the key, else whether its value has the form, and for a table the text about it.
pub fn describe(call: &mut Call, form: Form, record: &mut Vec<u8>) {
    let key = call.key(2);
    if !is_mine(call.shard, &key) {
        return;
    }
    let (db, now) = (call.db, call.now);
    let Some(item) = call.shard.ks.find(db, &key, now, Look::Quiet) else { return };
    let text = item.to_object().and_then(|object| match form {
        Form::Listpack => listpack(&object),
        Form::Quicklist => quicklist(&object, call.args.is(3, "1")),
        Form::Table => table(&object),
    });
    let Some(text) = text else { return record.push(OTHER) };
    record.push(FITS);
    match form {
        Form::Table => record.extend_from_slice(text.as_bytes()),
        _ => call.shard.requests.push(Request::Log(LogLevel::Notice, text)),
    }
}

/// The reply: what the core with the key said.
pub fn answer(call: &mut Call, form: Form, records: &[&[u8]]) -> Outcome {
    let found = records.iter().find_map(|r| r.split_first()).ok_or(Refusal::NO_KEY)?;
    match (form, found) {
        (Form::Listpack, (&FITS, _)) => call.out.simple("Listpack structure printed on stdout"),
        (Form::Quicklist, (&FITS, _)) => call.out.simple("Quicklist structure printed on stdout"),
        (Form::Table, (&FITS, text)) => call.out.verbatim(b"txt", text),
        (Form::Listpack, _) => return Err(Refusal::fixed("ERR Not a listpack encoded object.")),
        (Form::Quicklist, _) => return Err(Refusal::fixed("ERR Not a quicklist encoded object.")),
        (Form::Table, _) => {
            return Err(Refusal::fixed("ERR The value stored at the specified key is not represented using an hash table"));
        }
    }
    Ok(())
}

fn listpack(object: &Object) -> Option<String> {
    let pack = match object {
        Object::List(list) => match list.view() {
            ListRef::Pack(pack) => pack,
            ListRef::Quick(_) => return None,
        },
        Object::Set(set) => match set.view().form() {
            SetForm::Pack(pack) => pack,
            _ => return None,
        },
        Object::Zset(zset) => match zset.view() {
            ZsetRef::Small(pack) => pack,
            ZsetRef::Big(_) => return None,
        },
        Object::Hash(hash) => match hash.view() {
            HashRef::Pack(pack) | HashRef::Timed(pack) => pack,
            HashRef::Big(_) => return None,
        },
        Object::Stream(_) => return None,
    };
    Some(show_pack(pack, true))
}

/// `{total bytes 21} {num entries 2}` and each element with its place and its text.
fn show_pack(pack: Pack, is_whole: bool) -> String {
    let mut text = format!("{{total bytes {}}} {{num entries {}}}", pack.listpack_bytes(), pack.len());
    if is_whole {
        let mut elements = pack.iter();
        let mut at = elements.offset();
        while let Some(element) = elements.next() {
            let shown = match element {
                Item::Int(n) => n.to_string(),
                Item::Text(text) => format!("\"{}\"", text.escape_ascii()),
            };
            let _ = write!(text, "\n{{offset {at}, {} bytes}} {shown}", elements.offset() - at);
            at = elements.offset();
        }
    }
    text
}

fn quicklist(object: &Object, is_whole: bool) -> Option<String> {
    let Object::List(list) = object else { return None };
    let list @ ListRef::Quick(_) = list.view() else { return None };
    let mut text = format!("{{count : {}}} {{nodes : {}}}", list.len(), list.nodes());
    for (n, chunk) in list.chunks().enumerate() {
        match chunk {
            ListChunk::Pack(pack) => {
                let _ = write!(text, "\nquicklist node({n}) {{container : PACKED}} {}", show_pack(Pack::new(&pack), is_whole));
            }
            ListChunk::Plain(element) => {
                let _ = write!(text, "\nquicklist node({n}) {{container : PLAIN}} {{size : {}}}", element.len());
                if is_whole {
                    let _ = write!(text, " \"{}\"", element.escape_ascii());
                }
            }
        }
    }
    Some(text)
}

fn table(object: &Object) -> Option<String> {
    let len = match (object.encoding(), object) {
        ("hashtable", Object::Set(set)) => set.view().len() as u64,
        ("hashtable", Object::Hash(hash)) => hash.view().len() as u64,
        ("skiplist", Object::Zset(zset)) => zset.view().len() as u64,
        _ => return None,
    };
    Some(format!("Hash table 0 stats (main hash table):\n number of elements: {len}\n number of bytes: {}\n", object.bytes()))
}

/// What OBJECT adds for a list of several chunks. `fill`, `depth`: the settings of chunk size and compression.
pub fn chunks_of(object: &Object, fill: i32, depth: i32) -> String {
    let Object::List(list) = object else { return String::new() };
    let list @ ListRef::Quick(_) = list.view() else { return String::new() };
    let nodes = list.nodes().max(1);
    let size = |chunk: ListChunk| match chunk {
        ListChunk::Pack(pack) => Pack::new(&pack).listpack_bytes(),
        ListChunk::Plain(text) => text.len(),
    };
    format!(
        " ql_nodes:{nodes} ql_avg_node:{:.2} ql_listpack_max:{fill} ql_compressed:{} ql_uncompressed_size:{}",
        list.len() as f64 / nodes as f64,
        i32::from(depth != 0),
        list.chunks().map(size).sum::<usize>(),
    )
}
