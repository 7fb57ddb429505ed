//! The verbs of rows: what each line does. docs/vectors.md tells how they are written.

use std::{fmt::Display, panic, str::FromStr};

use model::{
    Addr, ChangefeedId, Command, Epoch, Msg, NodeId, Place, Span, TableId, Ts, coordinator, dispatchers,
    etcd,
    etcd::{ChangefeedInfo, Job, Key, Op, Progress, Sparse, Target, Value},
    maintainer, messages, node, sink,
    sink::{Class, Downstream},
    upstream::ddl::Ddl,
};
use sim::{Duration, Kind, Seed};

use crate::hand::{Hand, World};

/// Every verb, as it is written.
pub const VERBS: &[&str] = &[
    "party dispatchers",
    "start",
    "crash",
    "pass 200ms",
    "see n1, n2",
    "liveness draining",
    "changefeed cf2 e7 ts20",
    "rows t7 ts20, ts30",
    "ddl ts20 AddColumn db1.a1 blocked=t1",
    "syncpoints ts20",
    "hold sink",
    "serve sink",
    "lose sink",
    "release sink",
    "stall Task",
    "step",
    "go on",
    "command:etcd RevokeLeaseOf n1",
    "overlook HeartBeatRequest",
    "state",
    "count replicating",
];

/// Does what a line says; what the party says to that.
pub fn obey(policy: &str, line: &str, hand: &mut Option<Hand>) -> Result<String, String> {
    if let Some(party) = line.strip_prefix("party ") {
        *hand = Some(set_up(policy, party)?);
        return Ok(String::new());
    }
    let (line, hand) = (&*written_out(line)?, hand);
    let hand = hand.as_mut().ok_or("there is no party yet; `party dispatchers` would set one up")?;
    let before = hand.text.len();
    let told = panic::catch_unwind(panic::AssertUnwindSafe(|| tell(hand, line)));
    let said = told.map_err(|_| format!("`{line}` makes the model panic"))??;
    let lines = hand.text[before..].lines().filter_map(|line| line.strip_prefix("    "));
    Ok(lines.map(|line| format!("{line}\n")).chain([said]).collect())
}

/// `{1..3, d#@n2 t#}` is `d1@n2 t1, d2@n2 t2, d3@n2 t3`, and `{1..3+t#}` is `t1+t2+t3`.
fn written_out(line: &str) -> Result<String, String> {
    let Some((before, rest)) = line.split_once('{') else { return Ok(line.to_owned()) };
    let right = "a range and a pattern such as `{1..9, d#@n2 t#}` or `{1..9+t#}` would be right";
    let wrong = || format!("there is `{{{rest}` where {right}");
    let (inside, after) = rest.split_once('}').ok_or_else(wrong)?;
    let (from, rest) = inside.split_once("..").ok_or_else(wrong)?;
    let end = rest.find([',', '+']).ok_or_else(wrong)?;
    let (to, pattern) = rest.split_at(end);
    let (from, to): (u32, u32) = from.parse().ok().zip(to.parse().ok()).ok_or_else(wrong)?;
    let (between, pattern) = match pattern.strip_prefix('+') {
        Some(pattern) => ("+", pattern),
        None => (", ", pattern[1..].trim()),
    };
    let all: Vec<String> = (from..=to).map(|n| pattern.replace('#', &n.to_string())).collect();
    Ok(format!("{before}{}{}", all.join(between), written_out(after)?))
}

/// `dispatchers`, `dispatchers at n2`, `maintainers with 4 tables, kafka`.
fn set_up(policy: &str, party: &str) -> Result<Hand, String> {
    let policy = model::Policy::named(policy).map_err(|error| error.to_string())?;
    let (party, settings) = party.split_once(" with ").unwrap_or((party, ""));
    let world = world(settings)?;
    let (place, node) = party.split_once(" at ").unwrap_or((party, "n3"));
    match place {
        "etcd" => return Ok(Hand::etcd()),
        "sink" => return Ok(Hand::sink(world.config.downstream.class)),
        _ => {}
    }
    let right = "`etcd`, `sink`, `server`, `coordinator`, `maintainers`, `dispatchers` or `messages`";
    let place = place.parse().map_err(|_| format!("`{place}` is no party; {right} would be right"))?;
    Ok(Hand::with(value(node)?, place, policy, world))
}

/// `4 tables, kafka, low-latency, seed 3`: what there is to be replicated, and how, and how chance has it.
fn world(settings: &str) -> Result<World, String> {
    let mut world = World::default();
    for setting in settings.split(", ").filter(|setting| !setting.is_empty()) {
        let class = Class::ALL.into_iter().find(|class| class.name() == setting);
        let counted = |unit: &str| setting.strip_suffix(unit).and_then(|number| number.parse::<u32>().ok());
        let named = |what: &str| setting.strip_prefix(what).and_then(|number| number.parse::<u32>().ok());
        let (workload, config) = (&mut world.workload, &mut world.config);
        if let Some(class) = class {
            config.downstream = Downstream::of(class);
        } else if let Some(tables) = counted(" tables") {
            workload.tables = tables;
        } else if let Some(databases) = counted(" databases") {
            workload.databases = databases;
        } else if let Some(regions) = counted(" regions") {
            workload.regions = regions;
        } else if let Some(workers) = counted(" workers").filter(|workers| *workers > 0) {
            config.downstream.workers = workers;
        } else if let Some(seed) = named("seed ") {
            world.seed = Seed(seed.into());
        } else if let Some(batch) = named("add batch ") {
            config.scheduling.add_batch = batch;
        } else if let Some(batch) = named("move batch ") {
            config.scheduling.move_batch = batch;
        } else if setting == "across-nodes" {
            config.scheduling.split_tables = true;
        } else if setting == "low-latency" {
            config.low_latency = true;
        } else if setting == "gc" {
            let (ttl, life) = (Duration::from_secs(24 * 60 * 60), Duration::from_secs(600));
            config.gc = Some(model::Gc { ttl, life });
        } else if setting == "redo" {
            config.redo = true;
        } else {
            let classes: Vec<&str> = Class::ALL.into_iter().map(Class::name).collect();
            let right = format!(
                "`4 tables`, `2 databases`, `2 regions`, `seed 3`, `2 workers`, `add batch 9`, `move batch 5`, `low-latency`, `across-nodes`, `redo`, `gc`, `{}`",
                classes.join("` or `")
            );
            return Err(format!("`{setting}` is no setting; {right} would be right"));
        }
    }
    Ok(world)
}

fn tell(hand: &mut Hand, line: &str) -> Result<String, String> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match (verb, rest) {
        ("start", "") => hand.start(),
        ("crash", "") => hand.crash(),
        ("state", filter) => return Ok(lines_with(filter, &hand.state())),
        ("count", filter) => return Ok(format!("{}\n", lines_with(filter, &hand.state()).lines().count())),
        ("pass", length) => hand.advance(millis(length)?),
        ("see", nodes) => see(hand, nodes)?,
        ("liveness", liveness) => {
            is_in_a_process(hand)?;
            let stored = hand.store_liveness(value(liveness)?);
            return Ok(format!("{liveness} is {}\n", if stored { "stored" } else { "refused" }));
        }
        ("overlook", name) => overlook(hand, name)?,
        ("changefeed", changefeed) => put(hand, changefeed)?,
        ("rows", rows) => change_rows(hand, rows)?,
        ("ddl", ddl) => change_schema(hand, ddl)?,
        ("syncpoints", every) => {
            is_in_a_process(hand)?;
            hand.set_sync_points(distance(every)?);
        }
        ("hold", what) => hold(hand, what)?,
        ("serve", service) => serve(hand, service)?,
        ("lose", service) => drop(hand.lose(held(hand, service)?)),
        ("release", service) => hand.release(held(hand, service)?),
        ("stall", timer) => stall(hand, timer)?,
        ("step", "") => hand.one_step(),
        ("go", "on") => hand.go_on(),
        (to, command) if to.starts_with("command:") => {
            let to = value(&to["command:".len()..])?;
            let heard = heard(Command::hear(command), |_| true)?;
            hand.command(to, heard.ok_or_else(|| format!("nobody can ask for `{}`", word(command)))?);
        }
        (from, message) if from.ends_with(':') => {
            let me = hand.me();
            let from = value(from.trim_end_matches(':'))?;
            let msg = heard(Msg::hear(message), |msg| is_for(msg, me))?;
            hand.hear(from, msg.ok_or_else(|| not_for(me, word(message)))?);
        }
        _ => return Err(format!("`{line}` is nothing that can be done; {}", verbs())),
    }
    Ok(String::new())
}

/// The first word of a line.
fn word(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

fn verbs() -> String {
    format!("there is `n1/server: <message>`, `{}`", VERBS.join("`, `"))
}

/// A value by which one can tell what it is: a node, an epoch.
fn value<T: FromStr>(word: &str) -> Result<T, String>
where
    T::Err: Display,
{
    word.parse().map_err(|right| format!("there is `{word}` where {right} would be right"))
}

fn millis(length: &str) -> Result<u64, String> {
    let right = "a length such as 200ms, 2s or 1m, in whole milliseconds, would be right";
    let length: Duration = length.parse().map_err(|_| format!("there is `{length}` where {right}"))?;
    match length.nanos() % 1_000_000 {
        0 => Ok(length.nanos() / 1_000_000),
        _ => Err(format!("there is `{length}` where {right}")),
    }
}

/// The lines of a state that have all of these words; all lines without words.
fn lines_with(filter: &str, state: &str) -> String {
    let has_all = |line: &&str| {
        filter.split_whitespace().all(|wanted| line.split([' ', ',']).any(|word| word == wanted))
    };
    state.lines().filter(has_all).map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The party sees these nodes from now on; who is told so hears it.
fn see(hand: &mut Hand, nodes: &str) -> Result<(), String> {
    let changed: Option<Msg> = match hand.me() {
        Addr::Node(_, Place::Coordinator) => Some(coordinator::Inbox::NodesChanged.into()),
        Addr::Node(_, Place::Maintainers) => Some(maintainer::Inbox::NodesChanged.into()),
        Addr::Node(_, Place::Messages) => Some(messages::Inbox::TargetsChanged.into()),
        Addr::Node(_, Place::Dispatchers) => None,
        me => return Err(format!("{me} looks itself whom it sees; etcd tells it")),
    };
    let nodes = nodes.split(", ").filter(|_| nodes != "nobody");
    let nodes: Result<Vec<NodeId>, String> = nodes.map(value).collect();
    hand.see(&nodes?);
    if let (Some(changed), Some(node)) = (changed, hand.me().node()) {
        hand.hear(Addr::Node(node, Place::Server), changed);
    }
    Ok(())
}

/// `cf2 e7 ts20 normal target=ts90 none`: puts a changefeed into etcd, or in the place of what is there.
fn put(hand: &mut Hand, changefeed: &str) -> Result<(), String> {
    let (cf, rest) = changefeed.split_once(' ').unwrap_or((changefeed, ""));
    let cf: ChangefeedId = value(cf)?;
    let mut info = ChangefeedInfo::new(Epoch(1), Ts(10));
    let mut job = Job { checkpoint: Ts(10), progress: Progress::None };
    let mut flaws: Vec<&str> = Vec::new();
    for word in rest.split_whitespace() {
        if FLAWS.contains(&word) {
            flaws.push(word);
        } else if let Ok(epoch) = word.parse() {
            info.epoch = epoch;
        } else if let Ok(checkpoint) = word.parse() {
            (info.start_ts, job.checkpoint) = (checkpoint, checkpoint);
        } else if let Ok(state) = word.parse() {
            info.state = state;
        } else if word == "sparse" {
            info.sparse = Sparse(true);
        } else if let Some(target) = word.strip_prefix("target=") {
            info.target = Target(Some(value(target)?));
        } else {
            job.progress = word.parse().map_err(|_| {
                format!(
                    "`{word}` has no place here; an epoch, a timestamp, a state or a progress would be right, or one of {}",
                    FLAWS.join(", ")
                )
            })?;
        }
    }
    let has = |flaw: &str| flaws.contains(&flaw);
    let info = match Box::new(info) {
        _ if has("without-description") => None,
        _ if has("undecodable") => Some(Value::Undecodable),
        info if has("without-id") => Some(Value::OldInfo(info)),
        info => Some(Value::Info(info)),
    };
    let job = match job {
        _ if has("without-progress") => None,
        _ if has("undecodable-progress") => Some(Value::Undecodable),
        job => Some(Value::Job(job)),
    };
    for (key, value) in [(Key::Info(cf), info), (Key::Job(cf), job)] {
        hand.change(match value {
            Some(value) => Op::Put { key, value, lease: None },
            None => Op::Delete(key),
        });
    }
    Ok(())
}

/// What can be wrong with what is persisted of a changefeed.
const FLAWS: [&str; 5] =
    ["without-id", "undecodable", "without-description", "undecodable-progress", "without-progress"];

/// A message or a note, by its name.
fn overlook(hand: &mut Hand, name: &str) -> Result<(), String> {
    let messages = (0..Msg::KINDS).map(Msg::name);
    let notes = (0..model::Note::KINDS).map(model::Note::name);
    if !messages.chain(notes).any(|known| known == name) {
        return Err(format!("`{name}` is neither a message nor a note"));
    }
    hand.overlook(name);
    Ok(())
}

/// `t7 ts20, ts30`, `t7[0..524288) 256 at ts20`: rows change at these times only.
fn change_rows(hand: &mut Hand, rows: &str) -> Result<(), String> {
    let (span, times) = rows.split_once(' ').unwrap_or((rows, ""));
    let span: Span = value(span)?;
    is_table(hand, span.table)?;
    let right = "a timestamp, or a number of rows as in `256 at ts20`, would be right";
    let mut changes: Vec<(Ts, u32)> = Vec::new();
    for time in times.split(", ") {
        let (count, ts) = time.split_once(" at ").unwrap_or(("1", time));
        let change = value(ts).ok().zip(count.parse().ok());
        changes.push(change.ok_or_else(|| format!("there is `{time}` where {right}"))?);
    }
    if !changes.is_sorted_by(|one, next| one.0 < next.0) {
        return Err(format!("`{times}` is not in order"));
    }
    hand.change_only(span, &changes);
    Ok(())
}

/// `ts20 AddColumn db1.a1 blocked=t1`: a DDL that tables of the upstream get to see.
fn change_schema(hand: &mut Hand, ddl: &str) -> Result<(), String> {
    let ddl: Ddl = ddl.parse()?;
    ddl.blocked
        .tables()
        .iter()
        .filter(|table| **table != TableId::TRIGGER)
        .try_for_each(|table| is_table(hand, *table))?;
    is_in_a_process(hand)?;
    hand.add_ddl(ddl);
    Ok(())
}

/// `ts20`: how far syncpoints are apart.
fn distance(every: &str) -> Result<u64, String> {
    match value(every)? {
        Ts(0) | Ts::INFINITE => {
            Err(format!("there is `{every}` where a distance such as ts20 would be right"))
        }
        Ts(every) => Ok(every),
    }
}

/// A table that the upstream has at some time.
fn is_table(hand: &Hand, table: TableId) -> Result<(), String> {
    is_in_a_process(hand)?;
    match hand.process().history.name_of(table, Ts::NONE) {
        Some(_) => Ok(()),
        None => Err(format!("the upstream has no table {table}; `party … with 4 tables` gives it four")),
    }
}

/// Only the parts of a node have a process, with its liveness and what it knows of the upstream.
fn is_in_a_process(hand: &Hand) -> Result<(), String> {
    match hand.me().node() {
        Some(_) => Ok(()),
        None => Err(format!("{} is no part of a node", hand.me())),
    }
}

/// `sink`, or `sink Execute` for messages of one name only.
fn hold(hand: &mut Hand, what: &str) -> Result<(), String> {
    let (service, kind) = what.split_once(' ').unwrap_or((what, ""));
    let service = is_service(service)?;
    match (0..Msg::KINDS).map(Msg::name).find(|name| *name == kind) {
        None if kind.is_empty() => hand.hold(service),
        Some(kind) => hand.hold_only(service, kind),
        None => return Err(format!("`{kind}` is no message that {service} hears")),
    }
    Ok(())
}

fn is_service(word: &str) -> Result<Addr, String> {
    match value(word)? {
        service @ (Addr::Etcd | Addr::Pd | Addr::Sink) => Ok(service),
        other => Err(format!("{other} is played by the row; `etcd`, `pd` or `sink` can be held")),
    }
}

fn serve(hand: &mut Hand, service: &str) -> Result<(), String> {
    let service = held(hand, service)?;
    if hand.waiting_for(service) == Some(0) {
        return Err(format!("nothing waits for {service}"));
    }
    hand.serve(service);
    Ok(())
}

fn held(hand: &Hand, word: &str) -> Result<Addr, String> {
    let service = is_service(word)?;
    match hand.waiting_for(service) {
        Some(_) => Ok(service),
        None => Err(format!("{service} is not held; `hold {service}` belongs before this")),
    }
}

/// A thread of the party, by the name of its timer.
fn stall(hand: &mut Hand, timer: &str) -> Result<(), String> {
    let (_, threads) = forms(hand.me());
    if !threads.contains(&word(timer)) {
        let (me, thread) = (hand.me(), word(timer));
        return Err(format!("`{thread}` is no thread of {me}; there is {}", threads.join(", ")));
    }
    hand.stall(timer);
    Ok(())
}

fn not_for(me: Addr, message: &str) -> String {
    let (messages, _) = forms(me);
    format!("{me} hears no `{message}`; it hears {}", messages.join(", "))
}

/// The names of the messages that a party hears, and of its threads.
fn forms(me: Addr) -> (Vec<&'static str>, Vec<&'static str>) {
    let names = |forms: &[&'static str]| forms.iter().map(|form| word(form).trim_end_matches(',')).collect();
    let (messages, threads) = match me {
        Addr::Node(_, Place::Server) => (node::Inbox::FORMS, node::Timer::FORMS),
        Addr::Node(_, Place::Coordinator) => (coordinator::Inbox::FORMS, coordinator::Timer::FORMS),
        Addr::Node(_, Place::Maintainers) => (maintainer::Inbox::FORMS, maintainer::Timer::FORMS),
        Addr::Node(_, Place::Dispatchers) => (dispatchers::Inbox::FORMS, dispatchers::Timer::FORMS),
        Addr::Sink => (sink::Inbox::FORMS, sink::Timer::FORMS),
        Addr::Node(_, Place::Messages) => (messages::Inbox::FORMS, messages::Timer::FORMS),
        _ => (etcd::Inbox::FORMS, etcd::Timer::FORMS),
    };
    (names(messages), names(threads))
}

/// The meaning of a line that fits, if one does.
fn heard<T>(meanings: Vec<Result<T, String>>, fits: impl Fn(&T) -> bool) -> Result<Option<T>, String> {
    let mut wrong = None;
    for meaning in meanings {
        match meaning {
            Ok(value) if fits(&value) => return Ok(Some(value)),
            Ok(_) => {}
            Err(error) => wrong = Some(error),
        }
    }
    wrong.map_or(Ok(None), Err)
}

/// Whether this party is one that hears such messages.
fn is_for(msg: &Msg, me: Addr) -> bool {
    match msg {
        Msg::Etcd(_) => me == Addr::Etcd,
        Msg::Pd(_) | Msg::PdSafepoint(_) => me == Addr::Pd,
        Msg::Sink(_) => me == Addr::Sink,
        Msg::EtcdReply(_) | Msg::PdReply(_) | Msg::PdSafepointReply(_) | Msg::SinkReply(_) => {
            me.node().is_some()
        }
        Msg::Server(_) => matches!(me, Addr::Node(_, Place::Server)),
        Msg::Coordinator(_) => matches!(me, Addr::Node(_, Place::Coordinator)),
        Msg::Maintainers(_) => matches!(me, Addr::Node(_, Place::Maintainers)),
        Msg::Dispatchers(_) => matches!(me, Addr::Node(_, Place::Dispatchers)),
        Msg::Messages(_) => matches!(me, Addr::Node(_, Place::Messages)),
    }
}
