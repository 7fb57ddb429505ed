//! What a seed makes of faults and calls: what happens, and when.

use model::{Actor, Addr, ChangefeedId, NodeId, Role, TableId, Ts, coordinator, etcd, maintainer, sink};
use sim::{Draws, Duration, HostId, Instant, Moment, Planned, When, Who};
use toml::Spanned;

use super::{Wrong, hosts::Hosts, latency, moment_names};
use crate::{
    error::unknown,
    file::{self, Do},
    units::{Length, Span},
};

impl Hosts {
    pub(super) fn planned(
        self,
        fault: &file::Fault,
        draws: &mut Draws,
    ) -> Result<Vec<Planned<Actor>>, Wrong> {
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
            Do::ResignOwner(resign) => self.calls(&resign.at, coordinator::Command::ResignOwner)?,
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
}

pub(super) fn of_etcd(command: etcd::Command) -> sim::Fault<Actor> {
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
