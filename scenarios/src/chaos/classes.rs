//! Classes of what may go wrong, of what users do, of weather and of features: each is in a seed or is not.

use sim::{Draws, Duration};
use toml::{Table, Value};

use super::{Drawing, draws::log_between, text};

/// Classes of faults. Links to etcd, between nodes and to the downstream are apart from each other.
pub(crate) const FAULTS: &[&str] = &[
    "crash",
    "pause",
    "lease",
    "peer-cut",
    "peer-slow",
    "etcd-cut",
    "etcd-slow",
    "sink-cut",
    "sink-slow",
    "clock",
    "downstream-outage",
    "downstream-slow",
    "downstream-error",
    "etcd-leader",
    "etcd-error",
    "etcd-watch",
    "etcd-compaction",
    "pd-cut",
    "pd-slow",
];

/// Classes of users' commands; those who run the cluster are users, too.
pub(crate) const COMMANDS: &[&str] = &[
    "pause-and-resume",
    "remove",
    "move-maintainer",
    "create",
    "update",
    "rewind",
    "move-table",
    "split-table",
    "merge-table",
    "drain",
    "restart",
    "rolling-restart",
];

/// Classes of weather.
pub(crate) const WEATHER: &[&str] = &[
    "loss",
    "copies",
    "peer-tail",
    "etcd-tail",
    "sink-tail",
    "stragglers",
    "slow-threads",
    "clocks",
    "slow-statements",
];

/// What the cluster and the changefeeds may be.
pub(crate) const FEATURES: &[&str] =
    &["low-latency", "redo", "split-tables", "growth", "kafka", "ddls", "syncpoints", "old-node"];

/// One fault of a class. `lasts` is how long it is to last.
pub(crate) fn fault(
    drawing: &Drawing,
    class: &str,
    lasts: Duration,
    draws: &mut Draws,
) -> (&'static str, Table) {
    let node = |draws: &mut Draws| format!("n{}", 1 + draws.below(drawing.nodes));
    let mut fields = Table::new();
    let mut set = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    let what = match class {
        "crash" | "pause" => {
            set("who", text(&drawing.somebody(draws)));
            set(if class == "crash" { "back_after" } else { "for" }, text(&lasts));
            if class == "crash" { "crash" } else { "pause" }
        }
        "lease" => {
            set("who", text(&node(draws)));
            "revoke_lease"
        }
        "clock" => {
            set("who", text(&node(draws)));
            set("by", text(&lasts));
            set("backwards", Value::Boolean(draws.below(2) == 0));
            "clock_jump"
        }
        "peer-cut" | "etcd-cut" | "sink-cut" | "pd-cut" => {
            links(drawing, class.trim_end_matches("-cut"), &mut fields, draws);
            // A connection does not lose single messages: what is on its way waits, or all of it is gone.
            let mode = ["hold", "reset"][draws.below(2) as usize];
            fields.insert("mode".to_owned(), text(&mode));
            fields.insert("for".to_owned(), text(&lasts));
            "cut"
        }
        "peer-slow" | "etcd-slow" | "sink-slow" | "pd-slow" => {
            links(drawing, class.trim_end_matches("-slow"), &mut fields, draws);
            let latency = log_between(draws, Duration::from_millis(5), Duration::from_secs(10));
            fields.insert("latency".to_owned(), text(&format!("{}..{latency}", Duration::from_millis(1))));
            fields.insert("for".to_owned(), text(&lasts));
            "slow"
        }
        "downstream-outage" => {
            set("mode", text(&["refuse", "hang"][draws.below(2) as usize]));
            set("for", text(&lasts));
            "downstream_outage"
        }
        "downstream-slow" => {
            let slow = log_between(draws, Duration::from_millis(50), Duration::from_secs(20));
            set("duration", text(&format!("{}..{slow}", Duration::from_millis(10))));
            set("for", text(&lasts));
            "slow_statements"
        }
        "downstream-error" => {
            set("retryable", Value::Boolean(draws.below(4) > 0));
            set("times", Value::Integer(1 + draws.below(4).cast_signed()));
            set("for", text(&lasts));
            "downstream_error"
        }
        "etcd-leader" => {
            set("for", text(&lasts));
            "etcd_leader_change"
        }
        "etcd-error" => {
            let requests = ["TxnRequest", "RangeRequest", "LeaseKeepAliveRequest", "LeaseGrantRequest"];
            set("kind", text(&requests[draws.below(4).saturating_sub(draws.below(2)) as usize]));
            set("error", text(&["timed_out", "connection_lost"][draws.below(2) as usize]));
            // Whether a request that fails has been carried out is chance, request by request.
            set("times", Value::Integer(1 + draws.below(8).cast_signed()));
            set("for", text(&lasts));
            "etcd_error"
        }
        "etcd-watch" => {
            set("who", text(&node(draws)));
            let by = log_between(draws, Duration::from_millis(50), Duration::from_secs(20));
            set("by", text(&by));
            set("for", text(&lasts));
            "etcd_slow_watch"
        }
        "etcd-compaction" => {
            set("keep", Value::Integer(draws.below(8).cast_signed()));
            "etcd_compaction"
        }
        _ => unreachable!("it was checked when the file was read"),
    };
    (what, fields)
}

/// The links of a class, from one node or between two, both ways or one.
fn links(drawing: &Drawing, class: &str, fields: &mut Table, draws: &mut Draws) {
    let from = 1 + draws.below(drawing.nodes);
    let other = 1 + (from + draws.below(drawing.nodes.max(2) - 1)) % drawing.nodes.max(2);
    let to = match (class, draws.below(2)) {
        ("peer", 0) if drawing.nodes > 1 => format!("n{other}"),
        _ => "all".to_owned(),
    };
    fields.insert("from".to_owned(), text(&format!("n{from}")));
    fields.insert("to".to_owned(), text(&to));
    fields.insert("class".to_owned(), text(&class));
    fields.insert("one_way".to_owned(), Value::Boolean(draws.below(3) == 0));
    // PD fails for everybody as often as for somebody.
    if class == "pd" && draws.below(2) == 0 {
        fields.insert("from".to_owned(), text(&"all"));
    }
}

impl Drawing<'_> {
    /// A node, or whoever plays a part when it happens.
    pub(crate) fn somebody(&self, draws: &mut Draws) -> String {
        match draws.below(4) {
            0 => "coordinator".to_owned(),
            1 => format!("maintainer of {}", self.changefeed(draws)),
            _ => format!("n{}", 1 + draws.below(self.nodes)),
        }
    }

    pub(crate) fn changefeed(&self, draws: &mut Draws) -> String {
        format!("cf{}", 1 + draws.below(self.changefeeds))
    }
}
