//! What a seed makes of a scenario: a cluster, and a plan of faults with their times. Also whether every name in it
//! means something.

mod check;
mod ending;
mod faults;
mod hosts;

use std::{ops::Range, sync::Arc};

use model::{
    Actor, Addr, ChangefeedConfig, Cluster, DdlKind, NamedDdl, NodeSpec, Policy, Scheduling, Settings, Ts,
    Weather, etcd,
    sink::{self, Class, Downstream},
};
use sim::{
    Clock, Draws, Duration, HostWeather, Instant, Kind as _, Latency, LinkWeather, Planned, Seed, When,
};
use toml::Spanned;

use crate::{
    error::unknown,
    file::{self, File},
    policy::PolicySpec,
    units::Span,
};

pub(crate) use check::check;
pub(crate) use ending::said as said_ending;
use faults::of_etcd;
use hosts::Hosts;

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
        let faults = file.faults.iter().enumerate();
        // Each fault has its own draws, so that another one moves none of them.
        let hosts = Hosts::of(file);
        let planned = faults.map(|(n, fault)| {
            let n = fault.draws.map_or(n, |draws| draws as usize);
            let mut draws = Draws::new(seed, &format!("fault {n}"));
            hosts.planned(fault, &mut draws).expect("it was checked when the file was read")
        });
        let mut plan: Vec<Planned<Actor>> = planned.flatten().collect();
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
        plan.push(Planned { when: When::At(calm), fault: ending::ending(file, seed) });
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
        targets: (1..=*file.cluster.changefeeds.get_ref()).map(|cf| target(file, cf)).collect(),
        old_metadata: file.cluster.old_metadata,
        config: ChangefeedConfig {
            low_latency: file.cluster.low_latency,
            redo: file.cluster.redo,
            downstream: downstream(&file.downstream),
            scheduling: scheduling(&file.scheduling),
            gc: file.cluster.gc.map(|file::Gc { ttl, life }| model::Gc { ttl, life }),
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

/// Where a changefeed ends.
fn target(file: &File, cf: u32) -> Option<Ts> {
    let mut targets = file.cluster.targets.iter();
    let (_, at) = targets.find(|(name, _)| *name.get_ref() == format!("cf{cf}"))?;
    Some(Ts::at(Instant::START + *at.get_ref()))
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

/// A complaint about a part of the file.
type Wrong = (Range<usize>, String);

/// The names of all notes.
pub(crate) fn note_names() -> impl Iterator<Item = &'static str> + Clone {
    (0..model::Note::KINDS).map(model::Note::name)
}

fn moment_names() -> impl Iterator<Item = &'static str> + Clone {
    (0..model::Msg::KINDS).map(model::Msg::name).chain(note_names())
}
