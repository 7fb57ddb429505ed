//! Move: a node is told to let go of a maintainer, which leaves its dispatchers to a successor; then another node is told
//! to maintain the changefeed.

use crate::{
    ChangefeedId, Epoch, NodeId,
    coordinator::{MaintainerState, MaintainerStatus, changefeeds::ChangefeedDb, operators::Awaited},
    policy::{self, MoveCourse, MoveOriginLoss, MoveSuccess, MoveTargetLoss, StopDuringMove},
};

#[derive(Clone, Debug)]
pub(crate) struct Move {
    pub(super) origin: NodeId,
    pub(super) target: NodeId,
    /// The generation of the maintainer that is to go: that of before the move.
    pub(super) origin_epoch: Epoch,
    rules: Rules,
    /// Whether the origin has left.
    origin_removed: bool,
    /// Whether anybody has been told to maintain the changefeed.
    told: bool,
    stage: Stage,
}

/// What the version that it belongs to does about losses.
#[derive(Clone, Copy, Debug)]
struct Rules {
    course: MoveCourse,
    success: MoveSuccess,
    target_loss: MoveTargetLoss,
    origin_loss: MoveOriginLoss,
}

/// How far it has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The origin is told to let go.
    RemoveOrigin,
    /// The origin has let go; the target has not been told.
    OriginStopped,
    /// The target is told to maintain it.
    AddTarget,
    Success,
    /// It is over, and takes no last action.
    Over,
}

/// What it says to whom.
#[derive(Clone, Copy, Debug)]
pub(super) enum Says {
    Remove,
    Add,
}

impl Move {
    pub(in crate::coordinator) fn new(
        origin: NodeId,
        target: NodeId,
        origin_epoch: Epoch,
        policy: &policy::Coordinator,
    ) -> Move {
        let rules = Rules {
            course: policy.move_course,
            success: policy.move_success,
            target_loss: policy.move_target_loss,
            origin_loss: policy.move_origin_loss,
        };
        Move {
            origin,
            target,
            origin_epoch,
            rules,
            origin_removed: false,
            told: false,
            stage: Stage::RemoveOrigin,
        }
    }

    /// It may be over before it starts, if one of its nodes has left.
    pub(super) fn start(&self, cf: ChangefeedId, db: &mut ChangefeedDb) {
        if !self.rules.course.is_origin_first() || !self.is_finished() {
            db.mark_scheduling(cf);
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Success | Stage::Over)
    }

    /// The node and the generation of the maintainer that still has the changefeed, as long as that counts for a stop.
    pub(super) fn remaining_origin(&self, rule: StopDuringMove) -> Option<(NodeId, Epoch)> {
        let counts = match self.stage {
            Stage::RemoveOrigin => rule.targets_origin(false),
            Stage::OriginStopped => rule.targets_origin(true),
            Stage::AddTarget | Stage::Success | Stage::Over => false,
        };
        counts.then_some((self.origin, self.origin_epoch))
    }

    pub(super) fn stage_name(&self) -> &'static str {
        match self.stage {
            Stage::RemoveOrigin => "remove-origin",
            Stage::OriginStopped => "origin-stopped",
            Stage::AddTarget => "add-target",
            Stage::Success => "success",
            Stage::Over => "done-no-post-finish",
        }
    }

    /// What it waits for, as long as it has not finished.
    pub(super) fn awaited(&self) -> Awaited {
        match self.stage {
            Stage::RemoveOrigin => Awaited::Stopped(self.origin),
            Stage::AddTarget => Awaited::Working(self.target),
            Stage::OriginStopped | Stage::Success | Stage::Over => Awaited::Turn,
        }
    }

    /// Whether its target has left, so that the origin is to have the changefeed again.
    pub(super) fn has_turned_back(&self) -> bool {
        self.target == self.origin
    }

    pub(super) fn schedule(&mut self, cf: ChangefeedId, db: &mut ChangefeedDb) -> Option<Says> {
        match self.stage {
            Stage::RemoveOrigin => Some(Says::Remove),
            Stage::OriginStopped => {
                db.bind(cf, Some(self.origin), self.target);
                self.stage = Stage::AddTarget;
                self.told = true;
                Some(Says::Add)
            }
            Stage::AddTarget => {
                self.told = true;
                Some(Says::Add)
            }
            Stage::Success | Stage::Over => None,
        }
    }

    pub(super) fn check(
        &mut self,
        from: NodeId,
        status: &MaintainerStatus,
        current: Epoch,
        policy: &policy::Coordinator,
    ) {
        let works = status.state == MaintainerState::Working;
        let let_go = policy.move_origin_check.accepts(status.epoch, self.origin_epoch);
        let has_let_go = from == self.origin && !works && let_go;
        let expected = if self.told { current } else { Epoch::NONE };
        let begun = policy.move_target_check.accepts(status.epoch, expected);
        let has_begun = from == self.target && works && status.bootstrap_done && begun;
        let told = self.stage == Stage::AddTarget
            || self.stage == Stage::OriginStopped && !self.rules.success.needs_add();
        if self.stage == Stage::RemoveOrigin && has_let_go {
            self.stage = Stage::OriginStopped;
        } else if told && has_begun {
            self.stage = Stage::Success;
        }
    }

    pub(super) fn on_node_removed(&mut self, cf: ChangefeedId, gone: NodeId, db: &mut ChangefeedDb) {
        if self.stage == Stage::Over {
            return;
        }
        if self.rules.course.is_origin_first() {
            self.lose(cf, gone, db);
        } else {
            self.lose_in_a_hurry(cf, gone, db);
        }
    }

    /// The origin goes first, also if the target is lost.
    fn lose(&mut self, cf: ChangefeedId, gone: NodeId, db: &mut ChangefeedDb) {
        let (is_target, is_origin) = (gone == self.target, gone == self.origin);
        match self.stage {
            Stage::RemoveOrigin if is_target && is_origin => self.give_up(cf, db),
            Stage::RemoveOrigin if is_target => self.target = self.origin,
            Stage::RemoveOrigin if is_origin => {
                self.origin_is_gone();
                self.stage = Stage::OriginStopped;
            }
            Stage::OriginStopped if is_target && (is_origin || self.origin_removed) => self.give_up(cf, db),
            Stage::OriginStopped if is_target => self.target = self.origin,
            Stage::AddTarget if is_target && !is_origin && self.rules.target_loss.turns_back() => {
                db.bind(cf, Some(self.target), self.origin);
                self.target = self.origin;
            }
            Stage::AddTarget | Stage::Success if is_target => self.give_up(cf, db),
            _ if is_origin => self.origin_is_gone(),
            _ => {}
        }
    }

    /// Before pingcap/ticdc#5434: if the target is lost, the origin is told to maintain the changefeed that it has just been
    /// told to let go of.
    fn lose_in_a_hurry(&mut self, cf: ChangefeedId, gone: NodeId, db: &mut ChangefeedDb) {
        let stopped = self.stage != Stage::RemoveOrigin;
        if gone == self.target && stopped {
            self.give_up(cf, db);
        } else if gone == self.target {
            self.target = self.origin;
            db.bind(cf, Some(self.origin), self.origin);
            self.stage = Stage::AddTarget;
        } else if gone == self.origin && self.stage == Stage::RemoveOrigin {
            self.stage = Stage::OriginStopped;
        }
    }

    fn origin_is_gone(&mut self) {
        self.origin_removed = self.rules.origin_loss.is_remembered();
    }

    fn give_up(&mut self, cf: ChangefeedId, db: &mut ChangefeedDb) {
        db.mark_absent(cf);
        self.stage = Stage::Over;
    }

    pub(super) fn on_task_removed(&mut self) {
        self.stage = Stage::Over;
    }

    pub(super) fn post_finish(&self, cf: ChangefeedId, db: &mut ChangefeedDb) {
        if self.stage == Stage::Success {
            db.mark_replicating(cf);
        }
    }
}
