//! The redo twin of a maintainer: spans, operators, block events and schedulers of their own for the redo dispatchers, and
//! what it tells about the redo log.
//!
//! What is done to redo dispatchers is what is done to the others, so there is one code for both: the twin takes the place of
//! what the maintainer has of the ordinary dispatchers while something is done to it.

use std::{collections::BTreeMap, mem::swap};

use sim::Duration;

use crate::{
    Cx, DispatcherId, Epoch, Mode, NodeId, Place, Ts,
    dispatchers::{self, Watermark},
    maintainer::{
        Maintainer, Timer, barrier::Barrier, operators::Operators, schedulers::Schedulers, spans::Spans,
    },
};

/// How often it is worked out how far the redo log is.
const PERIOD: Duration = Duration::from_secs(1);

/// What there is of one mode while the maintainer is at the other one, and what is known of the redo log.
#[derive(Clone, Debug)]
pub(super) struct Twin {
    pub(super) spans: Spans,
    pub(super) operators: Operators,
    pub(super) barrier: Barrier,
    pub(super) schedulers: Schedulers,
    pub(super) watermarks: BTreeMap<NodeId, Watermark>,
    /// What has been read in this round: of what holds the redo log back, and how much that is.
    round: Option<(Part, Ts)>,
    /// Checkpoint and resolved timestamp, as they were last told to the one who keeps the redo meta.
    told: (Ts, Ts),
    /// Up to where the redo log is complete, as its storage says.
    persisted: Ts,
}

/// What holds the redo log back, in the order in which it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Spans,
    Barrier,
    Watermarks,
}

/// A thread that there is twice where redo is on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Thread {
    Operators,
    BasicScheduler,
    Drain,
}

impl Twin {
    pub(super) fn new(trigger: DispatcherId, node: NodeId, checkpoint: Ts) -> Twin {
        Twin {
            spans: Spans::new(trigger, node, checkpoint),
            operators: Operators::default(),
            barrier: Barrier::default(),
            schedulers: Schedulers::default(),
            watermarks: BTreeMap::new(),
            round: None,
            told: (checkpoint, checkpoint),
            persisted: checkpoint,
        }
    }
}

impl Maintainer {
    /// Does something to what there is of a mode; nothing, if there is no redo.
    pub(super) fn in_mode<T>(&mut self, mode: Mode, act: impl FnOnce(&mut Maintainer) -> T) -> Option<T> {
        if self.mode == mode {
            return Some(act(self));
        }
        self.turn()?;
        let result = act(self);
        self.turn();
        Some(result)
    }

    fn turn(&mut self) -> Option<()> {
        let twin = self.twin.as_mut()?;
        swap(&mut self.spans, &mut twin.spans);
        swap(&mut self.operators, &mut twin.operators);
        swap(&mut self.barrier, &mut twin.barrier);
        swap(&mut self.schedulers, &mut twin.schedulers);
        swap(&mut self.watermarks, &mut twin.watermarks);
        self.mode = if self.mode == Mode::Default { Mode::Redo } else { Mode::Default };
        Some(())
    }

    /// What a thread of the present mode wakes up for.
    pub(super) fn timer(&self, thread: Thread) -> Timer {
        let m = self.id;
        match (thread, self.mode) {
            (Thread::Operators, Mode::Default) => Timer::Operators { m },
            (Thread::Operators, Mode::Redo) => Timer::RedoOperators { m },
            (Thread::BasicScheduler, Mode::Default) => Timer::BasicScheduler { m },
            (Thread::BasicScheduler, Mode::Redo) => Timer::RedoBasicScheduler { m },
            (Thread::Drain, Mode::Default) => Timer::Drain { m },
            (Thread::Drain, Mode::Redo) => Timer::RedoDrain { m },
        }
    }

    pub(super) fn begin_redo(&self, cx: &mut Cx) {
        if self.twin.is_some() {
            cx.out.alarm(Timer::RedoMeta { m: self.id }.into(), PERIOD);
        }
    }

    /// The redo loop, every second: how far the redo log is, and the downstream. It reads in the order of the checkpoint loop,
    /// and others may get in between any two.
    pub(super) fn run_redo(&mut self, cx: &mut Cx) {
        let timer = Timer::RedoMeta { m: self.id };
        let Some(twin) = self.twin.as_mut().filter(|_| self.initialized) else {
            return cx.out.alarm(timer.into(), PERIOD);
        };
        let (part, lowest) = twin.round.take().unwrap_or((Part::Spans, Ts::INFINITE));
        let read = self.in_mode(Mode::Redo, |redo| match part {
            Part::Spans => Some(redo.lowest_of_spans()),
            Part::Barrier => Some(redo.barrier.lowest(cx).unwrap_or(Ts::INFINITE)),
            Part::Watermarks => redo.lowest_watermark(cx).map(|lowest| lowest.checkpoint),
        });
        let lowest = read.flatten().map(|read| lowest.min(read));
        let next = match part {
            Part::Spans => Some(Part::Barrier),
            Part::Barrier => Some(Part::Watermarks),
            Part::Watermarks => None,
        };
        match (next, lowest, &mut self.twin) {
            (Some(part), Some(lowest), Some(twin)) => {
                twin.round = Some((part, lowest));
                cx.out.give_way(timer.into());
            }
            _ => {
                self.tell_redo_meta(lowest.filter(|lowest| *lowest != Ts::INFINITE), cx);
                cx.out.alarm(timer.into(), PERIOD);
            }
        }
    }

    /// Who keeps the redo meta is told what is new. How far the redo log is may not be known this time.
    fn tell_redo_meta(&mut self, lowest: Option<Ts>, cx: &mut Cx) {
        let (cf, displayed) = (self.cf, self.checkpoints.displayed());
        let Some(twin) = &mut self.twin else { return };
        if let Some(lowest) = lowest {
            twin.spans.commit(lowest);
        }
        let (checkpoint, resolved) = twin.told;
        let new = (checkpoint.max(displayed), lowest.map_or(resolved, |lowest| resolved.max(lowest)));
        if std::mem::replace(&mut twin.told, new) != new {
            let ((checkpoint, resolved), epoch) = (new, self.redo_stamp(cx));
            let meta = dispatchers::Inbox::RedoMetaMessage { cf, checkpoint, resolved, epoch };
            cx.send(cx.id(), Place::Dispatchers, meta);
        }
    }

    /// The epoch that a message about the redo log carries.
    fn redo_stamp(&self, cx: &Cx) -> Epoch {
        if cx.policy().maintainer.redo_stamp.is_stamped() { self.epoch } else { Epoch::NONE }
    }

    /// The storage of the redo log has this: every node may write it downstream.
    pub(super) fn on_redo_persisted(&mut self, resolved: Ts, cx: &mut Cx) {
        let Some(twin) = self.twin.as_mut().filter(|twin| twin.persisted < resolved) else { return };
        twin.persisted = resolved;
        let (cf, epoch) = (self.cf, self.redo_stamp(cx));
        for node in self.bootstrapper.nodes() {
            let forward = dispatchers::Inbox::RedoResolvedTsForwardMessage { cf, resolved, epoch };
            cx.send(node, Place::Dispatchers, forward);
        }
    }
}
