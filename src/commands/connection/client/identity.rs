//! CLIENT GETNAME, SETNAME, SETINFO, ID and INFO: who this connection is.
//! Ref: redis.io/commands/client-setinfo, redis.io/commands/client-info

use super::super::shared::is_plain;
use super::{OWN, line};
use crate::spec::{Arg, Call, Category, Group, Outcome, Refusal, Spec};

/// What the subcommands of this file have in common.
const BASE: Spec = Spec { group: Group::Connection, arity: 2, flags: OWN, categories: Category::CONNECTION, ..Spec::DEFAULT };

pub const GETNAME: Spec = Spec { name: "GETNAME", since: "2.6.9", summary: "Returns the name of the connection.", run: get_name, ..BASE };

pub const ID: Spec = Spec { name: "ID", since: "5.0.0", summary: "Returns the id of the connection.", run: id, ..BASE };

pub const INFO: Spec = Spec {
    name: "INFO",
    since: "6.2.0",
    summary: "Describes the connection in one line.",
    tips: &["nondeterministic_output"],
    run: info,
    ..BASE
};

pub const SETNAME: Spec = Spec {
    name: "SETNAME",
    since: "2.6.9",
    summary: "Names the connection.",
    arity: 3,
    args: &[Arg::string("connection-name")],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    run: set_name,
    cases: r#"
        > CLIENT SETNAME             -ERR wrong number of arguments for 'client|setname' command
        > CLIENT SETNAME "a b"       -ERR Client names cannot contain spaces, newlines or special characters.
        > CLIENT SETNAME "a\r\n"     -ERR Client names cannot contain spaces, newlines or special characters.
        > CLIENT GETNAME             nil
        > CLIENT SETNAME worker:1    +OK
        > CLIENT GETNAME             $worker:1
        > CLIENT SETNAME ""          +OK
        > CLIENT GETNAME             nil
    "#,
    ..BASE
};

pub const SETINFO: Spec = Spec {
    name: "SETINFO",
    since: "7.2.0",
    summary: "Says which library the client uses.",
    arity: 4,
    args: &[Arg::one_of("attr", &[Arg::string("libname").token("LIB-NAME"), Arg::string("libver").token("LIB-VER")])],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    run: set_info,
    cases: r#"
        > CLIENT SETINFO lib-name           -ERR wrong number of arguments for 'client|setinfo' command
        > CLIENT SETINFO nonsense x         -ERR Unrecognized option 'nonsense'
        > CLIENT SETINFO lib-name "a b"     -ERR lib-name cannot contain spaces, newlines or special characters.
        > CLIENT SETINFO LIB-NAME library   +OK
        > CLIENT SETINFO LIB-VER 1.0        +OK
    "#,
    ..BASE
};

fn get_name(call: &mut Call) -> Outcome {
    let name = std::mem::take(&mut call.client().name);
    if name.is_empty() {
        call.out.null()
    } else {
        call.out.bulk(&name)
    }
    call.client().name = name;
    Ok(())
}

fn id(call: &mut Call) -> Outcome {
    let id = call.client().id;
    call.out.int(id as i64);
    Ok(())
}

fn info(call: &mut Call) -> Outcome {
    let now = call.now;
    let mut text = line::of(call.client(), now);
    text.push(b'\n');
    call.out.verbatim(b"txt", &text);
    Ok(())
}

fn set_name(call: &mut Call) -> Outcome {
    let name = call.args.get(2);
    if !is_plain(name) {
        return Err(Refusal::CLIENT_NAME);
    }
    call.client().name = name.to_vec();
    call.out.ok();
    Ok(())
}

fn set_info(call: &mut Call) -> Outcome {
    let (option, value) = (call.args.get(2), call.args.get(3));
    let is_name = call.args.is(2, "lib-name");
    let shown = String::from_utf8_lossy(option);
    if !is_name && !call.args.is(2, "lib-ver") {
        return Err(Refusal::text(format!("ERR Unrecognized option '{shown}'")));
    }
    if !is_plain(value) {
        return Err(Refusal::text(format!("ERR {shown} cannot contain spaces, newlines or special characters.")));
    }
    let client = call.client();
    if is_name {
        client.lib_name = value.to_vec();
    } else {
        client.lib_ver = value.to_vec();
    }
    call.out.ok();
    Ok(())
}
