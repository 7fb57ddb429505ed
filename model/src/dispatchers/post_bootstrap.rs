//! A post-bootstrap request: the table trigger gets the table list and becomes active.

use crate::{
    ChangefeedId, Cx, DispatcherId, Epoch, NodeId, Place,
    dispatchers::{Dispatchers, Note, Wake, response_epoch},
    maintainer,
    tasks::{Next, TaskId},
};

/// A post-bootstrap request that is being worked off.
#[derive(Clone, Debug)]
pub(super) struct PostBootstrap {
    from: NodeId,
    cf: ChangefeedId,
    epoch: Epoch,
    trigger: DispatcherId,
}

impl PostBootstrap {
    pub(super) fn new(from: NodeId, cf: ChangefeedId, epoch: Epoch, trigger: DispatcherId) -> PostBootstrap {
        PostBootstrap { from, cf, epoch, trigger }
    }

    pub(super) fn resume(&mut self, me: TaskId, _: Wake, all: &mut Dispatchers, cx: &mut Cx) -> Next {
        let policy = &cx.process.policy.clone().dispatchers;
        let fenced = all.orchestrator.fenced;
        let Some(id) = all.orchestrator.managers.get(&self.cf).copied().filter(|_| !fenced) else {
            return Next::Done;
        };
        let Some(manager) = all.managers.get_mut(&id) else { return Next::Done };
        if !manager.enter(me, cx) {
            return Next::Wait;
        }
        let owner = manager.owner;
        if !policy.post_bootstrap_fence.admits(&owner, self.from, self.epoch) {
            let (cf, from, epoch) = (self.cf, self.from, self.epoch);
            cx.note(Note::StaleRefused { cf, from, epoch, owner: owner.node, current: owner.epoch });
        } else {
            match manager.trigger {
                None => {
                    if policy.missing_trigger.is_reported() {
                        self.respond(Some("there is no table trigger"), cx);
                    }
                }
                Some(trigger) if trigger != self.trigger => {
                    self.respond(Some("the table trigger is another one"), cx);
                }
                Some(_) if manager.write_path_closed => {}
                Some(trigger) => {
                    let cf = manager.cf;
                    if let Some(dispatcher) = manager.dispatchers.get_mut(&trigger)
                        && !std::mem::replace(&mut dispatcher.registered, true)
                    {
                        dispatcher.events_coming = true;
                        let timer = super::Timer::Events { manager: id, dispatcher: trigger };
                        cx.out.give_way(timer.into());
                        cx.note(Note::TriggerRegistered { cf, id: trigger });
                    }
                    self.respond(None, cx);
                }
            }
        }
        Dispatchers::wake_all(all.release(id, me), cx);
        Next::Done
    }

    fn respond(&self, err: Option<&'static str>, cx: &mut Cx) {
        let epoch = response_epoch(self.epoch, cx);
        let (cf, trigger) = (self.cf, self.trigger);
        let response = maintainer::Inbox::MaintainerPostBootstrapResponse { cf, trigger, epoch, err };
        cx.send(self.from, Place::Maintainers, response);
    }
}
