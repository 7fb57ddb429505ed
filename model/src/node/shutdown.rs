//! The end of a process: its modules are told to end and are waited for, then it closes what it can within limits, gives
//! back its capture key, exits, and is started again.
//!
//! Closing has two branches that run side by side and are not ordered against each other: in one the services that were
//! started first, the dispatcher orchestrator before the message centre; in the other the maintainers, the network, and
//! the capture key.

use sim::Duration;

use crate::{
    Cx, coordinator, dispatchers,
    etcd::{Inbox as Etcd, Key, Op},
    ids::Place,
    maintainer, messages,
    node::{Note, RESTART_AFTER, Server, Timer, Wait},
    state::flags,
};

/// How long the modules may take to end.
const MODULES_LIMIT: Duration = Duration::from_secs(30);
/// How long `Close()` waits for the services of the first branch; they go on behind its back.
const SERVICES_LIMIT: Duration = Duration::from_secs(15);
/// How long the capture key may take to be deleted.
const UNREGISTER_LIMIT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shutdown {
    stage: Stage,
    /// Whether the modules that are not modelled have ended.
    others_ended: bool,
    services_closed: bool,
    unregistered: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Running,
    /// The group's context is done: the modules are waited for.
    GroupDone,
    /// `Run` has returned.
    Closing,
}

impl Shutdown {
    /// Whether the modules are told to end.
    pub(super) fn group_is_done(self) -> bool {
        self.stage > Stage::Running
    }

    /// How far it is; nothing while the process runs.
    pub(super) fn words(self) -> String {
        flags(&[
            (self.group_is_done(), "group-done"),
            (self.stage == Stage::Closing, "closing"),
            (self.services_closed, "services-closed"),
            (self.unregistered, "unregistered"),
        ])
    }
}

impl Server {
    /// A module has failed, and takes the group with it.
    pub(super) fn module_fails(&mut self, why: &'static str, cx: &mut Cx) {
        if !self.shutdown.group_is_done() {
            cx.note(Note::ShutsDown { node: cx.id(), why });
            cx.out.alarm(Timer::ModulesLimit.into(), MODULES_LIMIT);
            self.end_others(cx);
            self.end_group(Stage::GroupDone, cx);
        }
    }

    /// Log puller, schema store and event store take their time.
    fn end_others(&mut self, cx: &mut Cx) {
        let (min, max) = cx.process.settings.modules;
        if max == Duration::ZERO {
            self.shutdown.others_ended = true;
            return;
        }
        let millisecond = Duration::from_millis(1);
        let choices = (max - min).nanos() / millisecond.nanos() + 1;
        let more = cx.out.choose("modules", usize::try_from(choices).expect("milliseconds are few"));
        cx.out.alarm(Timer::OthersEnd.into(), min + millisecond.times(more as u64));
    }

    pub(super) fn on_others_ended(&mut self, cx: &mut Cx) {
        self.shutdown.others_ended = true;
        self.close_if_modules_ended(cx);
    }

    /// Every module hears that the context of the group is done.
    fn end_group(&mut self, stage: Stage, cx: &mut Cx) {
        self.shutdown.stage = stage;
        self.stop_watchdog(cx);
        cx.tell(Place::Coordinator, coordinator::Inbox::Stop);
        cx.tell(Place::Maintainers, maintainer::Inbox::StopManager);
        self.node_manager_selects(cx);
        self.stop_election(cx);
        self.close_if_modules_ended(cx);
    }

    /// A module may have ended.
    pub(super) fn close_if_modules_ended(&mut self, cx: &mut Cx) {
        let ended = self.node_manager.has_ended() && self.election.has_ended() && self.shutdown.others_ended;
        if self.shutdown.stage == Stage::GroupDone && ended {
            self.close(cx);
        }
    }

    /// The modules have taken as long as they may.
    pub(super) fn on_modules_limit(&mut self, cx: &mut Cx) {
        if self.shutdown.stage == Stage::GroupDone {
            self.close(cx);
        }
    }

    /// `Run` returns with an error, whatever the modules do.
    pub(super) fn run_returns(&mut self, why: &'static str, cx: &mut Cx) {
        if self.shutdown.stage == Stage::Closing {
            return;
        }
        cx.note(Note::ShutsDown { node: cx.id(), why });
        if !self.shutdown.group_is_done() {
            self.end_group(Stage::Closing, cx);
        }
        self.close(cx);
    }

    fn close(&mut self, cx: &mut Cx) {
        self.shutdown.stage = Stage::Closing;
        cx.note(Note::Closing { node: cx.id() });
        cx.tell(Place::Dispatchers, dispatchers::Inbox::Close);
        cx.out.alarm(Timer::ServicesLimit.into(), SERVICES_LIMIT);
        cx.tell(Place::Maintainers, maintainer::Inbox::CloseMaintainers);
        cx.tell(Place::Messages, messages::Inbox::StopServing);
        let key = Key::Capture(cx.id());
        self.calls.call_once(cx, UNREGISTER_LIMIT, Wait::Unregister, |call| Etcd::TxnRequest {
            call,
            compares: Vec::new(),
            then: vec![Op::Delete(key)],
            otherwise: Vec::new(),
        });
    }

    /// The orchestrator has closed; the services that were started before it follow, the message centre among them.
    pub(super) fn on_dispatchers_closed(&mut self, cx: &mut Cx) {
        cx.tell(Place::Messages, messages::Inbox::CloseTargets);
        self.on_services_closed(cx);
    }

    /// The services have closed, or nobody waits for them any more.
    pub(super) fn on_services_closed(&mut self, cx: &mut Cx) {
        self.shutdown.services_closed = true;
        self.exit_if_closed(cx);
    }

    /// The capture key is deleted, or could not be.
    pub(super) fn on_unregistered(&mut self, cx: &mut Cx) {
        self.shutdown.unregistered = true;
        self.exit_if_closed(cx);
    }

    fn exit_if_closed(&mut self, cx: &mut Cx) {
        if self.shutdown.services_closed && self.shutdown.unregistered {
            cx.out.exit(Some(RESTART_AFTER));
        }
    }
}
