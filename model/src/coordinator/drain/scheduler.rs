//! The drain scheduler: moves maintainers away from nodes that drain, to the nodes that have the fewest, a limited number at a
//! time. The nodes take turns.

use std::collections::{BTreeMap, VecDeque};

use sim::{Duration, Instant};

use crate::{
    ChangefeedId, Cx, NodeId,
    coordinator::{
        BATCH, Term, Timer,
        operators::{Admission, Asker},
    },
};

const IDLE: Duration = Duration::from_secs(1);
const ACTIVE: Duration = Duration::from_millis(200);

/// Where the scheduler is.
#[derive(Clone, Debug, Default)]
pub(in crate::coordinator) struct Rounds {
    /// Since when it runs; as long as there is nothing to drain it sleeps, where the real one looks every second.
    began: Option<Instant>,
    sleeps: bool,
    /// Whether a run is due and waits for the lock of the operators.
    waits: bool,
    /// Which of the nodes comes first.
    cursor: usize,
    run: Option<Run>,
}

/// A run, which stands still while a move is being admitted.
#[derive(Clone, Debug)]
struct Run {
    began: Instant,
    /// The nodes that drain, each with the changefeeds that have not been looked at.
    origins: Vec<(NodeId, VecDeque<ChangefeedId>)>,
    /// How many changefeeds each node that may have some has.
    loads: BTreeMap<NodeId, usize>,
    /// How many moves are left.
    room: usize,
    /// Which of the nodes is next in this round, and whether the round has moved anything.
    turn: usize,
    progress: bool,
    /// Where the move that is being admitted leads.
    asked: Option<NodeId>,
}

impl Term {
    pub(in crate::coordinator) fn start_drain_scheduler(&mut self, cx: &mut Cx) {
        self.drain.rounds.began = Some(cx.now.steady);
        self.drain.rounds.sleeps = true;
        if !self.draining_nodes(cx).is_empty() {
            self.drain.rounds.sleeps = false;
            cx.out.alarm(Timer::DrainScheduler { term: self.number }.into(), Duration::ZERO);
        }
    }

    /// Some node drains: the scheduler notices when it looks next.
    pub(super) fn wake_drain_scheduler(&mut self, cx: &mut Cx) {
        if let Some(began) = self.drain.rounds.began
            && std::mem::take(&mut self.drain.rounds.sleeps)
        {
            let into = cx.now.steady.since(began).nanos() % IDLE.nanos();
            cx.out.alarm(
                Timer::DrainScheduler { term: self.number }.into(),
                Duration::from_nanos(IDLE.nanos() - into),
            );
        }
    }

    /// The lock of the operators is free.
    pub(in crate::coordinator) fn drain_may_go_on(&mut self, cx: &mut Cx) {
        if std::mem::take(&mut self.drain.rounds.waits) {
            cx.out.give_way(Timer::DrainScheduler { term: self.number }.into());
        }
    }

    pub(in crate::coordinator) fn run_drain_scheduler(&mut self, cx: &mut Cx) {
        if self.operators.is_locked() {
            self.drain.rounds.waits = true;
            return;
        }
        if self.drain.rounds.run.is_none()
            && let Err(pause) = self.begin_drain_run(cx)
        {
            match pause {
                None => self.drain.rounds.sleeps = true,
                Some(pause) => cx.out.alarm(Timer::DrainScheduler { term: self.number }.into(), pause),
            }
            return;
        }
        self.drain_more(cx);
    }

    /// Looks what is to be moved; how long to wait for another look if nothing is, or for ever if no node drains.
    fn begin_drain_run(&mut self, cx: &mut Cx) -> Result<(), Option<Duration>> {
        let draining = self.draining_nodes(cx);
        if draining.is_empty() {
            return Err(None);
        }
        let room = BATCH.saturating_sub(self.operators.moves_from(&draining));
        if room == 0 {
            return Err(Some(ACTIVE));
        }
        let destinations: Vec<NodeId> = self.destinations(cx).collect();
        if destinations.is_empty() {
            return Err(Some(IDLE));
        }
        let loads = destinations.iter().map(|node| (*node, self.changefeeds.load(*node)));
        let loads = loads.collect();
        let mut origins = Vec::new();
        for node in draining {
            let mut changefeeds: Vec<ChangefeedId> = self.changefeeds.on_node(node).collect();
            cx.shuffle(&mut changefeeds, "order of changefeeds to drain");
            origins.push((node, changefeeds.into()));
        }
        if self.drain.rounds.cursor >= origins.len() {
            self.drain.rounds.cursor = 0;
        }
        let began = cx.now.steady;
        self.drain.rounds.run =
            Some(Run { began, origins, loads, room, turn: 0, progress: false, asked: None });
        Ok(())
    }

    /// Goes on until a move has to wait for its epoch, or there is nothing left to do.
    fn drain_more(&mut self, cx: &mut Cx) {
        while let Some((cf, origin)) = self.next_to_drain() {
            let Some(target) = self.drain_target(origin, cx) else { continue };
            if let Some(run) = &mut self.drain.rounds.run {
                run.asked = Some(target);
            }
            match self.add_move(cf, origin, target, Asker::Drain, cx) {
                Admission::Waits => return,
                how => self.drain_admitted(how == Admission::Queued),
            }
        }
        if let Some(run) = self.drain.rounds.run.take() {
            let next = run.began + ACTIVE;
            let pause = if next > cx.now.steady { next.since(cx.now.steady) } else { Duration::ZERO };
            cx.out.alarm(Timer::DrainScheduler { term: self.number }.into(), pause);
        }
    }

    /// The epoch of a move is persisted, or not.
    pub(in crate::coordinator) fn drain_goes_on(&mut self, admitted: bool, cx: &mut Cx) {
        self.drain_admitted(admitted);
        if self.tasks_run() {
            self.drain_more(cx);
        } else {
            self.drain.rounds.run = None;
        }
    }

    /// The next changefeed of the node whose turn it is, without those that something is being done to. A round without any
    /// ends the run.
    fn next_to_drain(&mut self) -> Option<(ChangefeedId, NodeId)> {
        let rounds = &mut self.drain.rounds;
        let run = rounds.run.as_mut()?;
        let count = run.origins.len();
        loop {
            if run.room == 0 {
                rounds.cursor = (rounds.cursor + 1) % count;
                return None;
            }
            if run.turn == count {
                rounds.cursor = (rounds.cursor + 1) % count;
                run.turn = 0;
                if !std::mem::take(&mut run.progress) {
                    return None;
                }
            }
            let (node, left) = &mut run.origins[(rounds.cursor + run.turn) % count];
            while let Some(cf) = left.pop_front() {
                if self.operators.get(cf).is_none() {
                    return Some((cf, *node));
                }
            }
            run.turn += 1;
        }
    }

    fn drain_target(&mut self, origin: NodeId, cx: &mut Cx) -> Option<NodeId> {
        let run = self.drain.rounds.run.as_mut()?;
        let least = run.loads.iter().filter(|(node, _)| **node != origin).map(|(_, load)| *load).min();
        let Some(least) = least else {
            run.turn += 1;
            return None;
        };
        let fewest: Vec<NodeId> = run
            .loads
            .iter()
            .filter(|(node, load)| **node != origin && **load == least)
            .map(|(node, _)| *node)
            .collect();
        Some(fewest[cx.out.choose("node for a maintainer", fewest.len())])
    }

    /// The move that was asked for is under way, or refused.
    fn drain_admitted(&mut self, admitted: bool) {
        let Some(run) = &mut self.drain.rounds.run else { return };
        if let Some(target) = run.asked.take().filter(|_| admitted) {
            *run.loads.entry(target).or_default() += 1;
            run.room -= 1;
            run.turn += 1;
            run.progress = true;
        }
    }
}
