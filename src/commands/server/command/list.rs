//! COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]: names of commands.
//! Ref: redis.io/commands/command-list

use super::{BASE, categories_of};
use crate::base::glob;
use crate::spec::table::Row;
use crate::spec::{Arg, Call, Category, Outcome, Refusal, Spec};

const FILTERS: &[Arg] =
    &[Arg::string("module-name").token("MODULE"), Arg::string("category").token("ACLCAT"), Arg::pattern("pattern").token("PATTERN")];

pub const SPEC: Spec = Spec {
    name: "LIST",
    since: "7.0.0",
    summary: "Names the commands.",
    cost: "O(N), N commands",
    arity: -2,
    args: &[Arg::one_of("filterby", FILTERS).token("FILTERBY").optional()],
    tips: &["nondeterministic_output_order"],
    run,
    cases: "
        > COMMAND LIST x                              -ERR syntax error
        > COMMAND LIST FILTERBY                       -ERR syntax error
        > COMMAND LIST FILTERBY nonsense x            -ERR syntax error
        > COMMAND LIST FILTERBY MODULE nonsense       []
        > COMMAND LIST FILTERBY ACLCAT nonsense       []
        > COMMAND LIST FILTERBY PATTERN nonsense*     []
        > COMMAND LIST FILTERBY PATTERN ECH?          [echo]
        > COMMAND LIST FILTERBY PATTERN config|res*   [config|resetstat]
        > COMMAND LIST                                ?
    ",
    ..BASE
};

fn run(call: &mut Call) -> Outcome {
    let args = call.args;
    let rows = &call.shard.server.commands.rows;
    let names: Vec<&str> = match args.len() {
        2 => rows.iter().map(|row| row.full_name).collect(),
        5 if args.is(2, "FILTERBY") => {
            let word = args.get(4);
            let fits: &dyn Fn(&Row) -> bool = if args.is(3, "MODULE") {
                // No command comes from a module.
                &|_| false
            } else if args.is(3, "ACLCAT") {
                &|row| in_category(row, word)
            } else if args.is(3, "PATTERN") {
                &|row| glob::matches(word, row.full_name.as_bytes(), true)
            } else {
                return Err(Refusal::SYNTAX);
            };
            rows.iter().filter(|row| fits(row)).map(|row| row.full_name).collect()
        }
        _ => return Err(Refusal::SYNTAX),
    };
    call.out.array(names.len());
    names.iter().for_each(|name| call.out.bulk(name.as_bytes()));
    Ok(())
}

fn in_category(row: &Row, word: &[u8]) -> bool {
    let found = Category::NAMES.iter().find(|(_, name)| word.eq_ignore_ascii_case(name.as_bytes()));
    found.is_some_and(|(category, _)| categories_of(row.spec).has(*category))
}
