//! INFO [section ...]: the server's figures. Every core sends its own; home adds them up and prints them from the
//! catalogue of metrics.
//! Ref: redis.io/commands/info

use super::shared::{send_figures, view};
use crate::metrics::catalog::{Selection, render};
use crate::spec::{Arg, Call, Category, Flags, Group, Merge, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "INFO",
    group: Group::Server,
    summary: "Returns figures about the server.",
    arity: -1,
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Category::DANGEROUS,
    args: &[Arg::string("section").optional().multiple()],
    route: Route::Every(Merge::Custom(merge)),
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    history: &[("7.0.0", "Takes several sections.")],
    run,
    cases: r##"
        > INFO nonsense         ""
        > INFO cluster          "# Cluster\r\ncluster_enabled:0\r\n"
        > INFO server clients   ?
        > INFO                  ?
    "##,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let chosen = Selection::parse(call.args.from(1));
    send_figures(call, chosen.has("Latencystats"));
    Ok(())
}

fn merge(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    if let Some(view) = view(call, parts) {
        let text = render(&view, Selection::parse(call.args.from(1)));
        call.out.verbatim(b"txt", text.as_bytes());
    }
    Ok(())
}
