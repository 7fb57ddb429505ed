//! What a seed makes of a scenario: a cluster, and a plan of faults with their times. Also whether every name in it
//! means something.

use std::{ops::Range, sync::Arc};

use model::{
    Actor, Addr, ChangefeedConfig, ChangefeedId, Cluster, DdlKind, LinkClass, NamedDdl, NodeId, NodeSpec,
    Place as Part, Policy, Role, Scheduling, Settings, TableId, Ts, Weather, coordinator, etcd, invariants,
    maintainer,
    sink::{self, Class, Downstream},
};
use sim::{
    Clock, Draws, Duration, End, HostId, HostWeather, Instant, Kind as _, Latency, LinkWeather, Links,
    Moment, Planned, Seed, When, Who,
};
use toml::Spanned;

use crate::{
    Error,
    error::{one_of, unknown},
    file::{self, Do, Ends, File, Place},
    policy::PolicySpec,
    units::{Length, Span},
};

/// A scenario under a seed: what is simulated, and until when.
#[derive(Clone, Debug)]
pub struct Drawn {
    pub(crate) cluster: Cluster,
    pub(crate) plan: Vec<Planned<Actor>>,
    /// When the run ends.
    pub(crate) end: Instant,
}

impl Drawn {
    /// Draws everything that the seed decides before the run.
    pub(crate) fn draw(file: &File, policy: &Arc<Policy>, seed: Seed) -> Drawn {
        let calm = Instant::START + file.run_for.0;
        let (nodes, changefeeds) = (*file.cluster.nodes.get_ref(), *file.cluster.changefeeds.get_ref());
        let faults = file.faults.iter().enumerate();
        // Each fault has its own draws, so that another one moves none of them.
        let hosts = Hosts { nodes, changefeeds, known: known(file) };
        let planned = faults.map(|(n, fault)| {
            let n = fault.draws.map_or(n, |draws| draws as usize);
            let mut draws = Draws::new(seed, &format!("fault {n}"));
            hosts.planned(fault, &mut draws).expect("it was checked when the file was read")
        });
        let mut plan: Vec<Planned<Actor>> =
            planned.flatten().flat_map(|planned| hosts.wherever(planned)).collect();
        // The calm knows hosts and links; that a server is well again has to be said.
        if file.faults.iter().any(|fault| fault.what.is_of_the_downstream()) {
            let command = sink::Command::Recover.into();
            plan.push(Planned {
                when: When::At(calm),
                fault: sim::Fault::Command { to: Addr::Sink, command },
            });
        }
        if file.faults.iter().any(|fault| fault.what.is_of_etcd()) {
            plan.push(Planned { when: When::At(calm), fault: of_etcd(etcd::Command::Recover) });
        }
        plan.push(Planned { when: When::At(calm), fault: sim::Fault::Calm });
        Drawn { cluster: cluster(file, policy, seed), plan, end: calm + file.settle_for.0 }
    }
}

fn cluster(file: &File, policy: &Arc<Policy>, seed: Seed) -> Cluster {
    let weather = &file.weather;
    let node = &weather.node;
    let nodes = (1..=*file.cluster.nodes.get_ref()).map(|slot| {
        let mut draws = Draws::new(seed, &format!("clock n{slot}"));
        let mut around = |limit: u64| draws.below(2 * limit + 1).cast_signed() - limit.cast_signed();
        let offset = around(node.clock_offset.0.nanos());
        let drift = i32::try_from(around(node.clock_drift_ppm.into())).unwrap_or(0);
        let mut old = file.cluster.old.iter();
        let before = old.find(|(name, _)| *name.get_ref() == format!("n{slot}"));
        let before = before.map(|(_, version)| PolicySpec::parse(version.get_ref()));
        let before = before.map(|version| version.expect("it was checked").policy().clone());
        NodeSpec { policy: policy.clone(), before, clock: Clock::new(offset, drift) }
    });
    Cluster {
        nodes: nodes.collect(),
        settings: Settings {
            session_ttl: file.cluster.session_ttl,
            modules: (node.modules.0, node.modules.1),
            extra_one_after_removal: file.weather.node.extra_one_after_removal,
        },
        changefeeds: u8::try_from(*file.cluster.changefeeds.get_ref()).expect("it was checked"),
        config: ChangefeedConfig {
            low_latency: file.cluster.low_latency,
            redo: file.cluster.redo,
            downstream: downstream(&file.downstream),
            scheduling: scheduling(&file.scheduling),
        },
        workload: model::Workload {
            tables: *file.workload.tables.get_ref(),
            row_every: file.workload.row_every.get_ref().0,
            rows: *file.workload.rows.get_ref(),
            deletes_per_million: file.workload.deletes.per_million,
            until: file.run_for.0 + file.settle_for.0,
            databases: *file.workload.databases.get_ref(),
            ddl_every: file.workload.ddl_every.as_ref().map(|every| *every.get_ref()),
            ddl_until: file.run_for.0,
            ddls: ddl_kinds(&file.workload).expect("it was checked when the file was read"),
            named_ddls: named_ddls(&file.workload).expect("it was checked when the file was read"),
            syncpoint_every: file.workload.syncpoint_every.as_ref().map(|every| *every.get_ref()),
            regions: *file.workload.regions.get_ref(),
            region_changes: growth(&file.workload),
        },
        weather: Weather {
            peer: link(&weather.peer),
            etcd: link(&weather.etcd),
            pd: link(&weather.pd),
            upstream: link(&weather.upstream),
            sink: link(&weather.sink),
            node: HostWeather {
                hop: Some(latency(node.hop, node.hop_tail)),
                yields: latency(node.yields, None),
                slack: Some(latency(node.slack, None)),
                boot: latency(node.boot, None),
            },
            statement: latency(weather.downstream.statement, weather.downstream.statement_tail),
        },
    }
}

fn downstream(file: &file::Downstream) -> Downstream {
    let class = match file.class {
        file::Class::Mysql => Class::Mysql,
        file::Class::Tidb => Class::Tidb,
        file::Class::Kafka => Class::Kafka,
    };
    let workers = file.workers.as_ref().map_or(class.workers(), |workers| *workers.get_ref());
    Downstream { class, workers, bootstrap: file.bootstrap }
}

fn scheduling(file: &file::Scheduling) -> Scheduling {
    Scheduling {
        split_tables: file.split_tables,
        region_threshold: *file.region_threshold.get_ref(),
        regions_per_span: *file.regions_per_span.get_ref(),
        region_refresh: *file.region_refresh.get_ref(),
        tasks_per_node: *file.tasks_per_node.get_ref(),
        add_batch: *file.add_batch.get_ref(),
        move_batch: *file.move_batch.get_ref(),
        balance_every: *file.balance_every.get_ref(),
    }
}

/// In order of time.
fn growth(workload: &file::Workload) -> Vec<(Duration, u32)> {
    let mut growth: Vec<(Duration, u32)> =
        workload.growth.iter().map(|growth| (growth.at, *growth.regions.get_ref())).collect();
    growth.sort();
    growth
}

/// The kinds of DDLs that a workload draws from.
fn ddl_kinds(workload: &file::Workload) -> Result<Vec<DdlKind>, Wrong> {
    if workload.ddls.is_empty() {
        return Ok(DdlKind::ALL.iter().map(|(_, kind)| *kind).collect());
    }
    workload.ddls.iter().map(ddl_kind).collect()
}

fn ddl_kind(name: &Spanned<String>) -> Result<DdlKind, Wrong> {
    let known = || DdlKind::ALL.iter().map(|(name, _)| *name);
    let found = DdlKind::ALL.iter().find(|(known, _)| known == name.get_ref());
    let wrong = || (name.span(), unknown("kind of DDL", name.get_ref(), known()));
    found.map(|(_, kind)| *kind).ok_or_else(wrong)
}

fn named_ddls(workload: &file::Workload) -> Result<Vec<NamedDdl>, Wrong> {
    let named = |ddl: &file::NamedDdl| {
        let [nth, to] = [ddl.nth, ddl.to].map(|n| n.get() as usize - 1);
        Ok(NamedDdl { at: ddl.at, kind: ddl_kind(&ddl.kind)?, nth, to })
    };
    workload.named_ddls.iter().map(named).collect()
}

fn link(weather: &file::LinkWeather) -> LinkWeather {
    LinkWeather {
        latency: latency(weather.latency, weather.tail),
        loss_per_million: weather.loss.per_million,
        copies_per_million: weather.copies.per_million,
        capacity: weather.capacity,
        straggler: weather.straggler.map(ranged),
    }
}

fn latency(Span(min, max): Span, tail: Option<file::Tail>) -> Latency {
    Latency { range: (min, max), tail: tail.map(ranged) }
}

fn ranged(tail: file::Tail) -> (u32, (Duration, Duration)) {
    (tail.share.per_million, (tail.delay.0, tail.delay.1))
}

/// More changes of rows make a run that takes minutes and gigabytes.
const MOST_CHANGES: u64 = 10_000_000;

/// A complaint about a part of the file.
type Wrong = (Range<usize>, String);

/// Whether every number of a file is in its range and every name means something.
pub(crate) fn check(file: &File, place: &Place) -> Result<(), Error> {
    let complain = |(span, what): Wrong| place.error(span, what);
    let within = |value: &Spanned<u32>, what: &str, max: u32| {
        let n = *value.get_ref();
        let wrong = || place.error(value.span(), format!("{what} are from 1 to {max}, not {n}"));
        if (1..=max).contains(&n) { Ok(()) } else { Err(wrong()) }
    };
    within(&file.cluster.nodes, "nodes", 9)?;
    within(&file.cluster.changefeeds, "changefeeds", 9)?;
    within(&file.workload.tables, "tables", 1000)?;
    within(&file.workload.rows, "rows of a table", 1024)?;
    if let Some(workers) = &file.downstream.workers {
        within(workers, "workers", 1024)?;
    }
    let row_every = &file.workload.row_every;
    let Length(every) = *row_every.get_ref();
    if every < Duration::from_millis(1) {
        return Err(place.error(row_every.span(), "a row of a table changes every millisecond at most"));
    }
    within(&file.workload.databases, "databases", 100)?;
    for (every, what) in [
        (&file.workload.ddl_every, "the schema changes"),
        (&file.workload.syncpoint_every, "a syncpoint comes"),
    ] {
        if let Some(every) = every
            && *every.get_ref() < Duration::from_millis(100)
        {
            return Err(place.error(every.span(), format!("{what} every 100ms at most")));
        }
    }
    let regions = file.workload.growth.iter().map(|growth| &growth.regions);
    for regions in regions.chain([&file.workload.regions]) {
        within(regions, "regions of a table", 10_000)?;
    }
    let scheduling = &file.scheduling;
    within(&scheduling.region_threshold, "regions of a span", 1_000_000)?;
    within(&scheduling.regions_per_span, "regions of a span", 1_000_000)?;
    within(&scheduling.tasks_per_node, "spans that a node is given at once", 10_000)?;
    within(&scheduling.add_batch, "operators at once", 1_000_000)?;
    within(&scheduling.move_batch, "moves in one run", 1_000_000)?;
    for (every, what, least) in [
        (&scheduling.region_refresh, "regions are counted", Duration::from_secs(1)),
        // The real configuration is refused below that, too.
        (&scheduling.balance_every, "balance is looked for", Duration::from_millis(1001)),
    ] {
        if *every.get_ref() < least {
            return Err(place.error(every.span(), format!("{what} every {least} at most")));
        }
    }
    ddl_kinds(&file.workload).map_err(complain)?;
    named_ddls(&file.workload).map_err(complain)?;
    let (tables, lasts) = (*file.workload.tables.get_ref(), file.run_for.0 + file.settle_for.0);
    let changes = u64::from(tables) * (lasts.nanos() / every.nanos());
    if changes > MOST_CHANGES {
        let what = format!(
            "{tables} tables with a change every {every} for {lasts} make {changes} changes of rows; \
             at most {MOST_CHANGES}: take fewer tables, rarer changes or a shorter run"
        );
        return Err(place.error(row_every.span(), what));
    }
    let (nodes, changefeeds) = (*file.cluster.nodes.get_ref(), *file.cluster.changefeeds.get_ref());
    let hosts = Hosts { nodes, changefeeds, known: known(file) };
    for (name, version) in &file.cluster.old {
        hosts.named_node(name).map_err(complain)?;
        PolicySpec::parse(version.get_ref()).map_err(|error| complain((version.span(), error.what)))?;
    }
    if let Some(chaos) = &file.chaos {
        crate::chaos::check(chaos, place)?;
        for moment in &chaos.moments {
            let wrong =
                || (moment.span(), unknown("kind of message or note", moment.get_ref(), moment_names()));
            Moment::named::<Actor>(moment.get_ref()).ok_or_else(wrong).map_err(complain)?;
        }
    }
    for fault in &file.faults {
        hosts.planned(fault, &mut Draws::new(Seed(0), "check")).map_err(complain)?;
        if let file::When::At(at) = &fault.when
            && at.get_ref().1 >= file.run_for.0
        {
            let what = format!("the fault phase ends after {}; a fault happens before", file.run_for.0);
            return Err(place.error(at.span(), what));
        }
    }
    file.claims.iter().try_for_each(|claim| check_claim(claim).map_err(complain))
}

fn check_claim(claim: &file::ClaimText) -> Result<(), Wrong> {
    PolicySpec::parse(claim.policy.get_ref()).map_err(|error| (claim.policy.span(), error.what))?;
    let mut named: Vec<&str> = Vec::new();
    for names in claim.breaks.iter().chain(&claim.may_break) {
        for name in names.get_ref().all() {
            known_invariant(name).map_err(|what| (names.span(), what))?;
            if named.contains(&name.as_str()) {
                return Err((names.span(), format!("`{name}` is named twice in this claim; once is enough")));
            }
            named.push(name);
        }
    }
    claim.witnesses.iter().try_for_each(|witness| match Moment::named::<Actor>(witness.get_ref()) {
        Some(Moment::Note(_)) => Ok(()),
        _ => Err((witness.span(), unknown("note", witness.get_ref(), note_names()))),
    })
}

/// An invariant, or one of the things that it reports separately: `single_writer (applied)`.
fn known_invariant(name: &str) -> Result<(), String> {
    let (invariant, aspect) = match name.split_once(" (") {
        Some((invariant, aspect)) => (invariant, Some(aspect.strip_suffix(')').unwrap_or(aspect))),
        None => (name, None),
    };
    let known = invariants::ALL.iter().map(|one| one.name);
    let found = invariants::ALL.iter().find(|one| one.name == invariant);
    let found = found.ok_or_else(|| unknown("invariant", invariant, known))?;
    match aspect {
        Some(aspect) if !found.aspects.contains(&aspect) => {
            let known = found.aspects.iter().copied();
            Err(unknown(&format!("aspect of {invariant}"), aspect, known))
        }
        _ => Ok(()),
    }
}

fn of_etcd(command: etcd::Command) -> sim::Fault<Actor> {
    sim::Fault::Command { to: Addr::Etcd, command: command.into() }
}

/// The requests to etcd that can fail.
const REQUESTS: [&str; 6] = [
    "TxnRequest",
    "RangeRequest",
    "LeaseGrantRequest",
    "LeaseKeepAliveRequest",
    "LeaseRevokeRequest",
    "LeaseTimeToLiveRequest",
];

fn of_downstream(command: sink::Command) -> sim::Fault<Actor> {
    sim::Fault::Command { to: Addr::Sink, command: command.into() }
}

/// A call of the API: the node that runs the coordinator hears it.
fn of_user(command: coordinator::Command) -> sim::Fault<Actor> {
    sim::Fault::Tell { who: Who::Role(Role::Coordinator), command: command.into() }
}

/// A call about a table: the node of the maintainer hears it.
fn of_table(cf: ChangefeedId, command: maintainer::Command) -> sim::Fault<Actor> {
    sim::Fault::Tell { who: Who::Role(Role::Maintainer(cf)), command: command.into() }
}

/// A table that there is, or may be.
fn table(name: &Spanned<String>) -> Result<TableId, Wrong> {
    let number = name.get_ref().strip_prefix('t').and_then(|number| number.parse().ok());
    let number = number.filter(|number| *number > 0).map(TableId);
    number.ok_or_else(|| (name.span(), format!("`{}` is no table; the first is t1", name.get_ref())))
}

/// The same moment, so much later.
fn later(when: &When<Actor>, by: Duration) -> When<Actor> {
    match when.clone() {
        When::At(at) => When::At(at + by),
        When::Upon { kind, nth, to, after } => When::Upon { kind, nth, to, after: after + by },
    }
}

/// The calls to the downstream that can be slow; the first ones can fail, too.
const CALLS: [&str; 6] =
    ["Connect", "TableRecoveryInfo", "Execute", "ExecuteDdl", "WriteDdlTs", "WriteSyncPoint"];
const FAILING: usize = 3;

fn call(name: &Spanned<String>, calls: &[&'static str]) -> Result<&'static str, Wrong> {
    let found = calls.iter().copied().find(|call| call == name.get_ref());
    found.ok_or_else(|| {
        (name.span(), unknown("call to the downstream", name.get_ref(), calls.iter().copied()))
    })
}

fn request(name: &Spanned<String>) -> Result<&'static str, Wrong> {
    let found = REQUESTS.iter().copied().find(|request| request == name.get_ref());
    found.ok_or_else(|| (name.span(), unknown("request to etcd", name.get_ref(), REQUESTS.iter().copied())))
}

/// The names of all notes.
pub(crate) fn note_names() -> impl Iterator<Item = &'static str> + Clone {
    (0..model::Note::KINDS).map(model::Note::name)
}

fn moment_names() -> impl Iterator<Item = &'static str> + Clone {
    (0..model::Msg::KINDS).map(model::Msg::name).chain(note_names())
}

/// The largest number of a changefeed that is there, or that somebody creates.
fn known(file: &File) -> u32 {
    let created = file.faults.iter().filter_map(|fault| match &fault.what {
        Do::CreateChangefeed(call) => number_of_changefeed(call.cf.get_ref()).map(u32::from),
        _ => None,
    });
    created.max().unwrap_or(0).max(*file.cluster.changefeeds.get_ref())
}

/// What the names of hosts mean in a cluster of so many nodes.
#[derive(Clone, Copy)]
struct Hosts {
    nodes: u32,
    changefeeds: u32,
    /// The largest number of a changefeed that is there, or that somebody creates.
    known: u32,
}

impl Hosts {
    fn planned(self, fault: &file::Fault, draws: &mut Draws) -> Result<Vec<Planned<Actor>>, Wrong> {
        let when = match &fault.when {
            file::When::At(at) => When::At(Instant::START + at.get_ref().draw(draws)),
            file::When::Upon(upon) => {
                let name = upon.kind.get_ref();
                let wrong = || (upon.kind.span(), unknown("kind of message or note", name, moment_names()));
                let kind = Moment::named::<Actor>(name).ok_or_else(wrong)?;
                let to = upon.to.as_ref().map(|to| self.address(to)).transpose()?;
                When::Upon { kind, nth: upon.nth.draw(draws), to, after: upon.after.draw(draws) }
            }
        };
        let in_a_row: Vec<(Duration, sim::Fault<Actor>)> = match &fault.what {
            Do::DrainNode(drain) => {
                let Length(every) = *drain.every.get_ref();
                if every < Duration::from_millis(100) {
                    let what = "a user asks how far it is every 100ms at most".to_owned();
                    return Err((drain.every.span(), what));
                }
                self.drains(self.named_node(&drain.node)?, every, drain.lasts.0, Duration::ZERO)
            }
            Do::RollingRestart(file::RollingRestart { nodes: Some(count), .. })
                if !(1..=self.nodes).contains(count.get_ref()) =>
            {
                let what = format!("there are {} nodes, not {}", self.nodes, count.get_ref());
                return Err((count.span(), what));
            }
            Do::RollingRestart(rolling) => self.restarts(rolling, draws),
            what => vec![(Duration::ZERO, self.happens(what, draws)?)],
        };
        let later = |(after, fault)| Planned { when: later(&when, after), fault };
        Ok(in_a_row.into_iter().map(later).collect())
    }

    /// A user asks again and again how far the draining of a node is.
    fn drains(
        self,
        node: NodeId,
        every: Duration,
        lasts: Duration,
        after: Duration,
    ) -> Vec<(Duration, sim::Fault<Actor>)> {
        let times = lasts.nanos() / every.nanos() + 1;
        let ask = |n| (after + every.times(n), of_user(coordinator::Command::DrainNode { node }));
        (0..times).map(ask).collect()
    }

    /// All nodes in an order that falls out, perhaps drained before.
    fn restarts(
        self,
        rolling: &file::RollingRestart,
        draws: &mut Draws,
    ) -> Vec<(Duration, sim::Fault<Actor>)> {
        let mut nodes: Vec<u8> = (1..=9).filter(|slot| u32::from(*slot) <= self.nodes).collect();
        for n in (1..nodes.len()).rev() {
            nodes.swap(n, usize::try_from(draws.below(n as u64 + 1)).expect("nodes are few"));
        }
        let (mut plan, mut at) = (Vec::new(), Duration::ZERO);
        let count = rolling.nodes.as_ref().map_or(self.nodes, |count| *count.get_ref());
        for node in nodes.into_iter().take(count as usize) {
            if let Some(Length(drain)) = rolling.drain {
                let node = NodeId { slot: node, life: 0 };
                plan.extend(self.drains(node, Duration::from_secs(1), drain, at));
                at += drain;
            }
            let who = Who::Host(HostId(u16::from(node) - 1));
            plan.push((at, sim::Fault::Tell { who, command: model::node::Command::Restart.into() }));
            at += rolling.every.draw(draws);
        }
        plan
    }

    /// A call of the API, at whoever leads or at a node.
    fn calls(
        self,
        at: &Option<Spanned<String>>,
        request: coordinator::Command,
    ) -> Result<sim::Fault<Actor>, Wrong> {
        match at {
            None => Ok(of_user(request)),
            Some(at) => {
                let command = model::node::Command::ApiCall { request }.into();
                Ok(sim::Fault::Tell { who: self.who(at)?, command })
            }
        }
    }

    /// Whoever leads is told; who that is nobody knows before, so every coordinator is, and those that do not lead have
    /// nothing to do with it.
    fn wherever(self, planned: Planned<Actor>) -> Vec<Planned<Actor>> {
        let Planned { when, fault: sim::Fault::Command { to: Addr::Node(_, part), command } } = &planned
        else {
            return vec![planned];
        };
        let nodes =
            (1..=9).filter(|slot| u32::from(*slot) <= self.nodes).map(|slot| NodeId { slot, life: 0 });
        let told = |node| {
            let fault = sim::Fault::Command { to: Addr::Node(node, *part), command: command.clone() };
            Planned { when: when.clone(), fault }
        };
        nodes.map(told).collect()
    }

    fn happens(self, what: &Do, draws: &mut Draws) -> Result<sim::Fault<Actor>, Wrong> {
        let mut lasts = |lasts: &Option<Span>| lasts.map(|lasts| lasts.draw(draws));
        Ok(match what {
            Do::Crash(crash) => {
                sim::Fault::Crash { who: self.who(&crash.who)?, back_after: lasts(&crash.back_after) }
            }
            Do::Pause(pause) => sim::Fault::Pause { who: self.who(&pause.who)?, lasts: lasts(&pause.lasts) },
            Do::ClockJump(jump) => {
                let nanos = i64::try_from(jump.by.draw(draws).nanos()).unwrap_or(i64::MAX);
                let nanos = if jump.backwards { -nanos } else { nanos };
                sim::Fault::ClockJump { who: self.who(&jump.who)?, nanos }
            }
            Do::ClockDrift(drift) => sim::Fault::ClockDrift { who: self.who(&drift.who)?, ppm: drift.ppm },
            Do::Cut(cut) => {
                let mode = match cut.mode {
                    file::Mode::Drop => sim::Cut::Drop,
                    file::Mode::Hold => sim::Cut::Hold,
                    file::Mode::Reset => sim::Cut::Reset,
                };
                let links = self.links(&cut.from, &cut.to, cut.one_way, &cut.class)?;
                sim::Fault::Cut { links, mode, lasts: lasts(&cut.lasts) }
            }
            Do::Slow(slow) => {
                let links = self.links(&slow.from, &slow.to, slow.one_way, &slow.class)?;
                sim::Fault::Slow { links, latency: latency(slow.latency, None), lasts: lasts(&slow.lasts) }
            }
            Do::RevokeLease(revoke) => {
                of_etcd(etcd::Command::RevokeLeaseOf { node: self.named_node(&revoke.who)? })
            }
            Do::EtcdLeaderChange(change) => {
                of_etcd(etcd::Command::LoseLeader { lasts: lasts(&change.lasts) })
            }
            Do::EtcdError(error) => {
                let share_per_million = error.share.per_million;
                let lasts = lasts(&error.lasts);
                let times = error.times.map(|times| times.draw(draws));
                let times = times.map(|times| u32::try_from(times).unwrap_or(u32::MAX));
                let outcome = match error.carried_out {
                    Some(true) => etcd::Outcome::CarriedOut,
                    Some(false) => etcd::Outcome::NotCarriedOut,
                    None => etcd::Outcome::Either,
                };
                let kind = error.kind.as_ref().map_or(Ok(REQUESTS[0]), request)?;
                let times_out = error.error == file::EtcdErrorKind::TimedOut;
                of_etcd(etcd::Command::FailRequests {
                    kind,
                    times_out,
                    outcome,
                    share_per_million,
                    times,
                    lasts,
                })
            }
            Do::EtcdSlowWatch(slow) => {
                let node = self.named_node(&slow.who)?;
                let lasts = lasts(&slow.lasts);
                of_etcd(etcd::Command::SlowWatches { node, by: slow.by.draw(draws), lasts })
            }
            Do::EtcdCompaction(compaction) => of_etcd(etcd::Command::Compact { keep: compaction.keep }),
            Do::CreateChangefeed(call) => {
                let cf = Hosts::new_changefeed(&call.cf)?;
                self.calls(&call.at, coordinator::Command::CreateChangefeed { cf })?
            }
            Do::PauseChangefeed(call) => {
                let cf = self.any_changefeed(&call.cf)?;
                self.calls(&call.at, coordinator::Command::PauseChangefeed { cf })?
            }
            Do::ResumeChangefeed(call) => {
                let cf = self.any_changefeed(&call.cf)?;
                let overwrite = call.overwrite.map(|span| Ts::at(Instant::START + span.draw(draws)));
                self.calls(&call.at, coordinator::Command::ResumeChangefeed { cf, overwrite })?
            }
            Do::RemoveChangefeed(call) => {
                let cf = self.any_changefeed(&call.cf)?;
                self.calls(&call.at, coordinator::Command::RemoveChangefeed { cf })?
            }
            Do::UpdateChangefeed(call) => {
                let cf = self.any_changefeed(&call.cf)?;
                self.calls(&call.at, coordinator::Command::UpdateChangefeed { cf })?
            }
            Do::MoveTable(call) => {
                let (cf, table) = (self.any_changefeed(&call.cf)?, table(&call.table)?);
                let node = self.named_node(&call.to)?;
                of_table(cf, maintainer::Command::MoveTable { cf, table, node })
            }
            Do::SplitTable(call) => {
                let (cf, table) = (self.any_changefeed(&call.cf)?, table(&call.table)?);
                of_table(cf, maintainer::Command::SplitTable { cf, table })
            }
            Do::MergeTable(call) => {
                let (cf, table) = (self.any_changefeed(&call.cf)?, table(&call.table)?);
                of_table(cf, maintainer::Command::MergeTable { cf, table })
            }
            Do::Restart(restart) => sim::Fault::Tell {
                who: self.who(&restart.who)?,
                command: model::node::Command::Restart.into(),
            },
            Do::DrainNode(_) | Do::RollingRestart(_) => unreachable!("these are several in a row"),
            Do::MoveMaintainer(call) => {
                of_user(coordinator::Command::MoveMaintainer { cf: self.changefeed(&call.cf)? })
            }
            Do::DownstreamOutage(outage) => {
                let hangs = outage.mode == file::OutageMode::Hang;
                of_downstream(sink::Command::Outage { hangs, lasts: lasts(&outage.lasts) })
            }
            Do::SlowStatements(slow) => {
                let Span(from, to) = slow.duration;
                of_downstream(sink::Command::SlowStatements {
                    kind: slow.kind.as_ref().map(|kind| call(kind, &CALLS)).transpose()?,
                    from,
                    to,
                    share_per_million: (slow.share.per_million < 1_000_000).then_some(slow.share.per_million),
                    lasts: lasts(&slow.lasts),
                })
            }
            Do::DownstreamError(error) => {
                let (retryable, share_per_million) = (error.retryable, error.share.per_million);
                let lasts = lasts(&error.lasts);
                let times = error.times.map(|times| times.draw(draws));
                let times = times.map(|times| u32::try_from(times).unwrap_or(u32::MAX));
                let kind = error.kind.as_ref().map_or(Ok("Execute"), |kind| call(kind, &CALLS[..FAILING]))?;
                of_downstream(sink::Command::FailStatements {
                    kind,
                    retryable,
                    share_per_million,
                    times,
                    lasts,
                })
            }
        })
    }

    fn links(
        self,
        from: &Spanned<Ends>,
        to: &Spanned<Ends>,
        one_way: bool,
        class: &Option<Spanned<String>>,
    ) -> Result<Links<Actor>, Wrong> {
        let class = class.as_ref().map(|class| {
            let found = LinkClass::ALL.iter().find(|one| one.name() == class.get_ref());
            let known = LinkClass::ALL.iter().map(|one| one.name());
            let wrong = || (class.span(), unknown("class of links", class.get_ref(), known));
            found.map(|one| one.class()).ok_or_else(wrong)
        });
        let (from, to) = (self.end(from)?, self.end(to)?);
        Ok(Links { from, to, both_ways: !one_way, class: class.transpose()? })
    }

    fn end(self, ends: &Spanned<Ends>) -> Result<End<Actor>, Wrong> {
        let wrong = |what| (ends.span(), what);
        match ends.get_ref() {
            Ends::One(all) if all == "all" => Ok(End::Any),
            Ends::One(one) => self.named(one).map(End::One).map_err(wrong),
            Ends::Several(several) => {
                let hosts = several.iter().map(|name| match self.named(name)? {
                    Who::Host(host) => Ok(host),
                    _ => Err(format!(
                        "`{name}` cannot be in a list; a list names nodes: {}",
                        self.nodes().join(", ")
                    )),
                });
                hosts.collect::<Result<_, _>>().map(End::Group).map_err(wrong)
            }
        }
    }

    fn who(self, name: &Spanned<String>) -> Result<Who<Actor>, Wrong> {
        self.named(name.get_ref()).map_err(|what| (name.span(), what))
    }

    /// A host by its name, or by the part that it plays when the fault happens.
    fn named(self, name: &str) -> Result<Who<Actor>, String> {
        if let Some(node) = self.node(name)? {
            return Ok(Who::Host(HostId(u16::from(node.slot) - 1)));
        }
        if let Some(cf) = name.strip_prefix("maintainer of ").and_then(number_of_changefeed) {
            return self.numbered_changefeed(cf).map(|cf| Who::Role(Role::Maintainer(cf)));
        }
        match name {
            "sender" => Ok(Who::Sender),
            "receiver" => Ok(Who::Receiver),
            "coordinator" => Ok(Who::Role(Role::Coordinator)),
            "maintainer" => Ok(Who::Role(Role::Maintainer(ChangefeedId(1)))),
            "etcd" | "pd" | "upstream" | "sink" => Err(format!(
                "`{name}` is a service, and faults happen to nodes; to cut or slow its links write to = \"all\", \
                 class = \"{name}\""
            )),
            _ => {
                let mut known = self.nodes();
                known.extend(["sender", "receiver", "coordinator", "maintainer"].map(str::to_owned));
                known.extend((1..=self.changefeeds).map(|cf| format!("maintainer of cf{cf}")));
                let known = one_of(known.iter().map(String::as_str));
                Err(format!("`{name}` is no host; there is {known}"))
            }
        }
    }

    /// A changefeed by its name.
    fn changefeed(self, name: &Spanned<String>) -> Result<ChangefeedId, Wrong> {
        let found = match number_of_changefeed(name.get_ref()) {
            Some(cf) => self.numbered_changefeed(cf),
            None => Err(format!(
                "`{}` is no changefeed; {}",
                name.get_ref(),
                numbered("changefeed", "cf", self.changefeeds)
            )),
        };
        found.map_err(|what| (name.span(), what))
    }

    /// A changefeed that there is, or that somebody creates.
    fn any_changefeed(self, name: &Spanned<String>) -> Result<ChangefeedId, Wrong> {
        match number_of_changefeed(name.get_ref()) {
            Some(cf) if (1..=self.known).contains(&cf.into()) => Ok(ChangefeedId(cf)),
            _ => self.changefeed(name),
        }
    }

    /// One that may be created.
    fn new_changefeed(name: &Spanned<String>) -> Result<ChangefeedId, Wrong> {
        let number = number_of_changefeed(name.get_ref()).filter(|cf| (1..=9).contains(cf));
        let wrong = || (name.span(), format!("`{}` cannot be created; cf1 to cf9 can", name.get_ref()));
        number.map(ChangefeedId).ok_or_else(wrong)
    }

    fn numbered_changefeed(self, cf: u8) -> Result<ChangefeedId, String> {
        if (1..=self.changefeeds).contains(&cf.into()) {
            return Ok(ChangefeedId(cf));
        }
        Err(format!("there is no `cf{cf}`; {}", numbered("changefeed", "cf", self.changefeeds)))
    }

    /// The names of the nodes.
    fn nodes(self) -> Vec<String> {
        (1..=self.nodes).map(|slot| format!("n{slot}")).collect()
    }

    /// A node by its name, if that is what the name is.
    fn node(self, name: &str) -> Result<Option<NodeId>, String> {
        let Some(slot) = name.strip_prefix('n').and_then(|slot| slot.parse::<u8>().ok()) else {
            return Ok(None);
        };
        if (1..=self.nodes).contains(&slot.into()) {
            return Ok(Some(NodeId { slot, life: 0 }));
        }
        Err(format!("there is no `{name}`; {}", numbered("node", "n", self.nodes)))
    }

    /// A node by its name, which is nothing else.
    fn named_node(self, name: &Spanned<String>) -> Result<NodeId, Wrong> {
        let names = self.nodes();
        let wrong = || unknown("node", name.get_ref(), names.iter().map(String::as_str));
        let node = self.node(name.get_ref()).and_then(|node| node.ok_or_else(wrong));
        node.map_err(|what| (name.span(), what))
    }

    /// An actor by its name, such as `n2/dispatchers`.
    fn address(self, name: &Spanned<String>) -> Result<Addr, Wrong> {
        let services = [Addr::Etcd, Addr::Pd, Addr::Upstream, Addr::Sink];
        let parts = [Part::Server, Part::Coordinator, Part::Maintainers, Part::Dispatchers, Part::Messages];
        let slots = (1..=9).filter(|slot| u32::from(*slot) <= self.nodes);
        let nodes = slots.flat_map(|slot| parts.map(|part| Addr::Node(NodeId { slot, life: 0 }, part)));
        let mut known = services.into_iter().chain(nodes);
        let found = known.find(|addr| addr.to_string() == *name.get_ref());
        found.ok_or_else(|| {
            let what = format!(
                "`{}` is no address; write a node and its part, such as n1/dispatchers, or a service. \
                 The parts are server, coordinator, maintainers and dispatchers, the services etcd, pd, upstream and \
                 sink; {}",
                name.get_ref(),
                numbered("node", "n", self.nodes)
            );
            (name.span(), what)
        })
    }
}

/// Of `cf2` it is 2.
fn number_of_changefeed(name: &str) -> Option<u8> {
    name.strip_prefix("cf").and_then(|cf| cf.parse().ok())
}

/// What the numbered things of a kind are called.
fn numbered(what: &str, prefix: &str, count: u32) -> String {
    match count {
        1 => format!("the only {what} is {prefix}1"),
        _ => format!("the {what}s of this cluster are {prefix}1 to {prefix}{count}"),
    }
}
