//! How an add or a move gets into the queue: since pingcap/ticdc#5434 a new epoch is persisted first, outside the lock of the
//! operators, so that other things may happen meanwhile, and are looked for afterwards.

use crate::{
    ChangefeedId, Cx,
    coordinator::{
        Note, Term,
        changefeeds::ObjectId,
        operators::{Operator, queue::Holder},
    },
    etcd::ChangefeedInfo,
};

/// Which task asks for an operator. It stands still while an epoch is persisted for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Asker {
    /// The basic scheduler.
    Basic,
    /// The balance scheduler.
    Balance,
    /// The drain scheduler.
    Drain,
    /// Somebody who does not wait.
    Nobody,
}

/// An operator that asks to be admitted.
#[derive(Clone, Debug)]
pub(in crate::coordinator) struct Request {
    pub(in crate::coordinator) cf: ChangefeedId,
    operator: Operator,
    asker: Asker,
    /// The changefeed in memory, as it was when the operator was made.
    object: ObjectId,
}

/// What an operator that asks is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Admission {
    /// Another one is there, or will be.
    Refused,
    /// It is in the queue.
    Queued,
    /// An epoch is being persisted for it: the asker is told later.
    Waits,
}

impl Term {
    /// Gives a changefeed to a node.
    pub(in crate::coordinator) fn add_operator(
        &mut self,
        cf: ChangefeedId,
        operator: Operator,
        asker: Asker,
        cx: &mut Cx,
    ) -> Admission {
        let policy = &cx.policy().coordinator;
        let reserved = self.is_bumping(cf) && policy.bump_reservation.is_respected();
        let Some(changefeed) = self.changefeeds.get(cf) else { return Admission::Refused };
        if reserved || self.operators.get(cf).is_some() {
            return Admission::Refused;
        }
        if !policy.ownership_epoch.is_bumped() {
            self.push_owner(cf, operator, cx);
            return Admission::Queued;
        }
        let object = changefeed.object;
        if policy.bump_lock.is_held() {
            self.operators.holder = Some(Holder::Bump(cf));
        }
        self.begin_bump(Request { cf, operator, asker, object }, cx);
        Admission::Waits
    }

    /// An epoch has been persisted, or not. What may have changed meanwhile is checked again; if it has, the epoch stays
    /// ahead. Whoever has asked goes on.
    pub(in crate::coordinator) fn on_bumped(
        &mut self,
        request: Request,
        how: Result<ChangefeedInfo, &'static str>,
        cx: &mut Cx,
    ) {
        let Request { cf, operator, asker, object } = request;
        let held = matches!(self.operators.holder, Some(Holder::Bump(_)));
        if held {
            self.operators.holder = None;
        }
        let admitted = match how {
            Ok(info) => self.add_after_bump(cf, operator, object, info, cx),
            Err(why) => {
                cx.note(Note::BumpFailed { cf, why });
                false
            }
        };
        match asker {
            Asker::Basic => self.basic_goes_on(admitted, cx),
            Asker::Balance => self.balance_goes_on(admitted, cx),
            Asker::Drain => self.drain_goes_on(admitted, cx),
            Asker::Nobody => {}
        }
        if held && !self.operators.is_locked() {
            self.wake_executor(cx);
            self.on_unlocked(cx);
        }
    }

    fn add_after_bump(
        &mut self,
        cf: ChangefeedId,
        operator: Operator,
        object: ObjectId,
        info: ChangefeedInfo,
        cx: &mut Cx,
    ) -> bool {
        let free = self.operators.get(cf).is_none();
        let same = self.changefeeds.get(cf).is_some_and(|one| one.object == object);
        if !(free && same) && cx.policy().coordinator.bump_recheck.is_made() {
            return false;
        }
        if !info.state.should_run() && cx.policy().coordinator.bump_state.is_looked_at() {
            return false;
        }
        if let Some(changefeed) = self.changefeeds.get_mut(cf) {
            changefeed.info = info;
        }
        self.push_owner(cf, operator, cx);
        true
    }

    fn push_owner(&mut self, cf: ChangefeedId, operator: Operator, cx: &mut Cx) {
        if let Some(changefeed) = self.changefeeds.get(cf)
            && let Some(node) = operator.affected().last()
        {
            cx.note(Note::Placed { cf, node, epoch: changefeed.info.epoch });
        }
        self.push(cf, operator, cx);
    }
}
