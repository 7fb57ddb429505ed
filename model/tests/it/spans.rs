//! A maintainer on n3 that has bootstrapped, with whatever spans.

use crate::hand::{CF, Hand, N1, N2, N3, World, add, coordinator, preset, workload};
use model::{
    ChangefeedConfig, DispatcherId, Epoch, Mode, NodeId, Place, Scheduling, Span, TableId, Ts, Workload,
    dispatchers::{
        BootstrapResponse, ComponentState, DispatcherStatus, Heartbeat, ReportedSpan, ScheduleRequest,
    },
    maintainer::Inbox,
};
use sim::Seed;

pub fn id(n: u32) -> DispatcherId {
    DispatcherId { maker: N1, n }
}

/// Eighths of the first table.
pub fn part(n: u32, from: u32, to: u32) -> ReportedSpan {
    let [from, to] = [from, to].map(|eighth| Span::KEYS / 8 * eighth);
    let (span, state) = (Span { table: TableId(1), from, to }, ComponentState::Working);
    ReportedSpan {
        id: id(n),
        span,
        state,
        checkpoint: Ts(50),
        mode: Mode::Default,
        schema: None,
        block_state: None,
    }
}

/// What each node reports at the bootstrap of a maintainer on n3: whole tables, and parts of the first.
pub type Nodes<'a> = [(&'a [u32], &'a [ReportedSpan]); 3];

pub fn bootstrapped(policy: &str, nodes: Nodes, operators: &[ScheduleRequest]) -> Hand {
    bootstrap(Hand::at(N3, Place::Maintainers, preset(policy)), nodes, operators)
}

/// The same where there is one table, which may be split; it has so many regions.
pub fn splittable(policy: &str, regions: u32, nodes: Nodes) -> Hand {
    let scheduling = Scheduling { split_tables: true, region_threshold: 8, ..Scheduling::default() };
    scheduled(policy, regions, scheduling, nodes)
}

/// The same, configured so.
pub fn scheduled(policy: &str, regions: u32, scheduling: Scheduling, nodes: Nodes) -> Hand {
    let workload = Workload { tables: 1, regions, ..workload() };
    let config = ChangefeedConfig { scheduling, ..ChangefeedConfig::default() };
    let world = World { workload, config, seed: Seed(0) };
    bootstrap(Hand::with(N3, Place::Maintainers, preset(policy), world), nodes, &[])
}

pub fn bootstrap(mut hand: Hand, nodes: Nodes, operators: &[ScheduleRequest]) -> Hand {
    hand.start();
    hand.tell(N1, coordinator(1));
    hand.tell(N1, add(5));
    for (node, (tables, parts)) in [N1, N2, N3].into_iter().zip(nodes) {
        let whole = |table: &u32| ReportedSpan { span: Span::whole(TableId(*table)), ..part(*table, 0, 0) };
        let response = BootstrapResponse {
            cf: CF,
            epoch: Epoch(5),
            checkpoint: if node == N3 { Ts(10) } else { Ts::NONE },
            spans: tables.iter().map(whole).chain(parts.iter().cloned()).collect(),
            operators: operators.iter().filter(|_| node == N1).cloned().collect(),
            merge_operators: Vec::new(),
            redo_checkpoint: Default::default(),
            err: None,
        };
        hand.tell(node, Inbox::MaintainerBootstrapResponse { response: Box::new(response) });
    }
    hand.tell(
        N3,
        Inbox::MaintainerPostBootstrapResponse {
            cf: CF,
            trigger: DispatcherId { maker: N3, n: 1 },
            epoch: Epoch(5),
            err: None,
        },
    );
    hand
}

/// What the maintainer on n3 has made, from d2@n3 on.
pub fn own(n: u32) -> DispatcherId {
    DispatcherId { maker: N3, n }
}

/// A node tells of dispatchers, in a complete heartbeat or not.
pub fn report(
    hand: &mut Hand,
    from: NodeId,
    statuses: &[(DispatcherId, ComponentState, u64)],
    complete: bool,
) {
    let status = |(id, state, checkpoint): &(DispatcherId, ComponentState, u64)| DispatcherStatus {
        id: *id,
        state: *state,
        redo: Default::default(),
        checkpoint: Ts(*checkpoint),
    };
    let statuses = statuses.iter().map(status).collect();
    let redo = Default::default();
    let heartbeat = Heartbeat { watermark: None, redo, statuses, complete, err: None };
    hand.tell(from, Inbox::HeartBeatRequest { cf: CF, heartbeat: Box::new(heartbeat) });
}
