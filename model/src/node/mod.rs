//! The server of a node: its session with etcd, its view of the others, its candidacy, and its end.

mod api;
mod election;
mod membership;
mod node_manager;
mod pending;
mod session;
mod shutdown;
mod state;
mod watchdog;

use sim::{Duration, Input};

use crate::{
    Addr, Cx, Msg, NodeId, Place, coordinator,
    etcd::{self, Compare, Inbox as Etcd, Key, LeaseId, Op, Reply, Value, client::Calls},
    vocabulary::vocabulary,
};
use election::Election;
use membership::Membership;
use node_manager::NodeManager;
use session::Session;
use shutdown::Shutdown;
use watchdog::Watchdog;

vocabulary! {
    /// What the other parts of the process tell the server.
    pub enum Inbox {
        /// The coordinator's term has ended.
        CoordinatorStopped { failed: bool },
        /// Every dispatcher manager is fenced.
        LocalFenced,
        /// The dispatcher orchestrator has closed.
        DispatchersClosed,
        /// The way to etcd is cut (from the network): whoever sleeps where the real process polls has to look.
        EtcdDisturbed { reset: bool },
        /// A user's call has been answered (from the coordinator).
        ApiAnswered { number: u32, answer: &'static str },
        /// A user's call is for a coordinator that leads, and this one does not (from the coordinator).
        ApiNotOwner { number: u32 },
        /// A node passes on a user's call, for so many times in all.
        ForwardedRequest { number: u32, hops: u32, request: coordinator::Command },
        /// What became of a call that was passed on.
        ForwardedAnswer { number: u32, answer: &'static str },
    }
}

impl Inbox {
    /// What the sender hears when the connection is refused.
    pub(crate) fn refused(&self) -> Option<Inbox> {
        match self {
            Inbox::ForwardedRequest { number, .. } => {
                Some(Inbox::ForwardedAnswer { number: *number, answer: "the connection is refused" })
            }
            _ => None,
        }
    }
}

vocabulary! {
    /// What somebody outside asks of a node.
    pub enum Command {
        /// A user calls the coordinator by way of this node.
        ApiCall { request: coordinator::Command },
        /// The process is to end, and comes back: as the version that the machine has by then.
        Restart,
    }
}

vocabulary! {
    /// What the server wakes up for.
    pub enum Timer {
        /// A call to etcd may have timed out, or is to be tried again.
        CallTimeout,
        /// The lease is to be renewed, or renewed again for want of an answer.
        KeepAlive,
        /// The session may have ended by the local clock.
        SessionDeadline,
        /// The watchdog's ticker ticks.
        WatchdogPoll,
        /// The watchdog hears that the session is done.
        WatchdogWakes,
        /// The node manager looks who leads, and applies what has changed.
        Tick,
        /// The node manager hears that the session is done.
        NodeManagerWakes,
        /// The node may campaign again.
        Campaign,
        /// The modules that are not modelled have ended.
        OthersEnd,
        /// The modules have taken as long as they may to end.
        ModulesLimit,
        /// The services have taken as long as they may to close.
        ServicesLimit,
        /// A user has waited for an answer long enough.
        ApiGivesUp { number: u32 },
    }
}

impl Copy for Timer {}

vocabulary! {
    /// What the server says about itself.
    pub enum Note {
        /// It has a session.
        SessionStarted { node: NodeId, lease: LeaseId },
        /// It is registered as a capture.
        Registered { node: NodeId },
        /// It knows that its session is over.
        SessionDone { node: NodeId },
        /// It has begun to fence itself.
        SelfFence { node: NodeId, why: &'static str },
        /// Everything on it is fenced.
        SelfFenced { node: NodeId },
        /// It has begun to shut down.
        ShutsDown { node: NodeId, why: &'static str },
        /// It closes what it has.
        Closing { node: NodeId },
        /// It has dropped a node from its view.
        NodeRemoved { node: NodeId, gone: NodeId },
        /// It has taken a node into its view.
        NodeAdded { node: NodeId, new: NodeId },
        /// What one of its watches was to tell of is forgotten.
        WatchLost { node: NodeId, compacted: u64 },
        /// It has been elected coordinator.
        Elected { node: NodeId, version: u64 },
        /// It passes a user's call on to the node that leads as far as it knows.
        ApiForwarded { node: NodeId, to: NodeId, request: coordinator::Command },
        /// It tells a user what became of his call.
        ApiReturned { node: NodeId, request: coordinator::Command, answer: &'static str },
    }
}

/// What a call to etcd is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    Grant,
    KeepAlive,
    Register,
    WatchdogTtl,
    Captures,
    Leader,
    Candidacy,
    Candidates,
    Leadership,
    Resignation,
    Unregister,
    ApiCaptures { number: u32 },
    ApiOwner { number: u32 },
}

/// How long a supervisor takes to start a process again.
pub const RESTART_AFTER: Duration = Duration::from_secs(2);
/// The server of one process.
#[derive(Clone, Debug)]
pub struct Server {
    calls: Calls<Wait>,
    session: Option<Session>,
    watchdog: Watchdog,
    membership: Membership,
    node_manager: NodeManager,
    election: Election,
    shutdown: Shutdown,
    api: api::Api,
}

impl Default for Server {
    fn default() -> Server {
        Server {
            calls: Calls::new(Timer::CallTimeout),
            session: None,
            watchdog: Watchdog::default(),
            membership: Membership::default(),
            node_manager: NodeManager::default(),
            election: Election::default(),
            shutdown: Shutdown::default(),
            api: api::Api::default(),
        }
    }
}

impl Server {
    pub(crate) fn step(&mut self, input: &Input<crate::Actor>, cx: &mut Cx) {
        match input {
            Input::Start => {
                let ttl = cx.process.settings.session_ttl();
                self.calls.call(cx, Wait::Grant, |call| Etcd::LeaseGrantRequest { call, ttl });
            }
            Input::Message { msg: Msg::EtcdReply(reply), .. } => self.on_etcd(reply, cx),
            Input::Message { from, msg: Msg::Server(inbox) } => self.on_message(*from, inbox, cx),
            Input::Alarm(crate::Timer::Server(timer)) => self.on_alarm(*timer, cx),
            Input::Command(crate::Command::Server(Command::ApiCall { request })) => {
                self.on_api_call(request, (None, 0), cx);
            }
            Input::Command(crate::Command::Server(Command::Restart)) => {
                self.module_fails("it is told to", cx);
            }
            Input::Message { .. } | Input::Alarm(_) | Input::Command(_) => unreachable!("not for a server"),
        }
    }

    fn on_message(&mut self, from: Addr, inbox: &Inbox, cx: &mut Cx) {
        match inbox {
            Inbox::ApiAnswered { number, answer } | Inbox::ForwardedAnswer { number, answer } => {
                self.on_api_answered(*number, answer, cx);
            }
            Inbox::ApiNotOwner { number } => self.on_not_owner(*number, cx),
            Inbox::ForwardedRequest { number, hops, request } => {
                let from = from.node().map(|node| (node, *number));
                self.on_api_call(request, (from, *hops), cx);
            }
            Inbox::CoordinatorStopped { failed } => self.on_coordinator_stopped(*failed, cx),
            Inbox::LocalFenced => self.on_fenced(cx),
            Inbox::DispatchersClosed => self.on_dispatchers_closed(cx),
            Inbox::EtcdDisturbed { reset } => self.on_etcd_disturbed(*reset, cx),
        }
    }

    fn on_alarm(&mut self, timer: Timer, cx: &mut Cx) {
        match timer {
            Timer::CallTimeout => {
                for wait in self.calls.on_alarm(cx) {
                    match wait {
                        // A resignation that times out is tolerated.
                        Wait::Resignation => self.on_resigned(cx),
                        wait => self.on_failure(wait, cx),
                    }
                }
            }
            Timer::KeepAlive => self.keep_alive(cx),
            Timer::SessionDeadline => self.check_deadline(cx),
            Timer::WatchdogPoll => self.watchdog_ticks(cx),
            Timer::WatchdogWakes => self.watchdog_selects(cx),
            Timer::Tick => self.tick(cx),
            Timer::NodeManagerWakes => self.node_manager_selects(cx),
            Timer::Campaign => self.campaign(cx),
            Timer::OthersEnd => self.on_others_ended(cx),
            Timer::ModulesLimit => self.on_modules_limit(cx),
            Timer::ServicesLimit => self.on_services_closed(cx),
            Timer::ApiGivesUp { number } => self.on_api_gives_up(number, cx),
        }
    }

    /// The next tick of the node manager will find out what a cut means. A connection that is reset fails its calls.
    fn on_etcd_disturbed(&mut self, reset: bool, cx: &mut Cx) {
        self.wake_membership(cx);
        if reset {
            for wait in self.calls.reset(cx) {
                self.on_failure(wait, cx);
            }
            cx.tell(Place::Coordinator, coordinator::Inbox::EtcdDisconnected);
        }
    }

    fn on_etcd(&mut self, reply: &Reply, cx: &mut Cx) {
        match reply {
            Reply::WatchResponse { watch, number, revision, events } => {
                self.on_watch(*watch, *number, *revision, events, cx);
            }
            Reply::Answer { call, revision, answer } => {
                if let Some(wait) = self.calls.answered(*call) {
                    self.on_answer(wait, *revision, answer, cx);
                }
            }
            Reply::WatchCanceled { watch, compacted } => self.on_watch_canceled(*watch, *compacted, cx),
            Reply::Unavailable { .. } | Reply::RequestTimedOut { .. } => {
                if let Some((call, how)) = reply.failure()
                    && let Some(wait) = self.calls.failed(call, how, cx)
                {
                    self.on_failure(wait, cx);
                }
            }
        }
    }

    fn on_answer(&mut self, wait: Wait, revision: etcd::Revision, answer: &etcd::Answer, cx: &mut Cx) {
        use etcd::Answer;
        match (wait, answer) {
            (Wait::Grant, Answer::Granted(lease)) => self.start_session(*lease, cx),
            (Wait::KeepAlive, Answer::KeptAlive(left)) => self.on_kept_alive(*left, cx),
            (Wait::Register, Answer::Txn { .. }) => self.on_registered(cx),
            (Wait::Register, Answer::LeaseNotFound) => self.run_returns("its lease is gone", cx),
            (Wait::Candidacy, Answer::LeaseNotFound) => self.election_fails("its lease is gone", cx),
            (Wait::WatchdogTtl, Answer::TimeToLive(left)) => self.on_ttl(*left, cx),
            (Wait::Captures, Answer::Range(captures)) => self.on_captures(revision, captures, cx),
            (Wait::Leader, Answer::Range(leader)) => self.on_leader(leader.first(), cx),
            (Wait::Candidacy, Answer::Txn { answers, .. }) => self.on_candidacy(revision, answers, cx),
            (Wait::Candidates, Answer::Range(before)) => self.on_candidates(revision, before.first(), cx),
            (Wait::Leadership, Answer::Range(leader)) => self.on_leadership(leader.first(), cx),
            (Wait::Resignation, Answer::Txn { .. }) => self.on_resigned(cx),
            (Wait::Unregister, Answer::Txn { .. }) => self.on_unregistered(cx),
            (Wait::ApiCaptures { number }, Answer::Range(captures)) => {
                self.on_api_captures(number, captures, cx);
            }
            (Wait::ApiOwner { number }, Answer::Range(owner)) => {
                self.on_api_owner(number, owner.first(), cx);
            }
            (wait, answer) => unreachable!("{wait:?} answered by {answer:?}"),
        }
    }

    /// A call has failed; whether it was carried out is not known.
    fn on_failure(&mut self, wait: Wait, cx: &mut Cx) {
        match wait {
            Wait::Grant | Wait::Register => self.run_returns("etcd does not answer at the start", cx),
            Wait::Captures => self.node_manager_ends("the captures cannot be read", cx),
            Wait::KeepAlive => {}
            Wait::WatchdogTtl => self.on_ttl_error(cx),
            Wait::Leader => self.on_leader_error(cx),
            Wait::Candidacy | Wait::Candidates | Wait::Leadership => {
                self.election_fails("the campaign failed", cx)
            }
            Wait::Resignation => self.on_resignation_failed(cx),
            Wait::Unregister => self.on_unregistered(cx),
            Wait::ApiCaptures { number } | Wait::ApiOwner { number } => {
                self.on_api_answered(number, "etcd does not answer", cx);
            }
        }
    }

    /// With a session the node looks around, campaigns, and registers, in no particular order.
    fn start_session(&mut self, lease: LeaseId, cx: &mut Cx) {
        cx.note(Note::SessionStarted { node: cx.id(), lease });
        self.session = Some(Session::begin(lease, cx));
        self.look_around(cx);
        cx.out.give_way(Timer::Campaign.into());
        let node = cx.id();
        let put = Op::Put { key: Key::Capture(node), value: Value::Node(node), lease: Some(lease) };
        self.calls.call(cx, Wait::Register, |call| Etcd::TxnRequest {
            call,
            compares: vec![Compare::Created(Key::Capture(node), etcd::Revision(0))],
            then: vec![put.clone()],
            otherwise: Vec::new(),
        });
    }

    fn on_registered(&mut self, cx: &mut Cx) {
        cx.note(Note::Registered { node: cx.id() });
        self.start_watchdog(cx);
    }
}
