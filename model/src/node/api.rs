//! The HTTP server of a node, as far as it passes on what users ask of the coordinator.
//!
//! A node whose coordinator does not lead looks up who does, in etcd, and passes the call on to that node, which does the same if
//! it does not lead (any more): three times at most. A user waits for a minute.

use std::collections::BTreeMap;

use sim::Duration;

use crate::{
    Addr, Cx, NodeId, Place, coordinator,
    etcd::{Inbox as Etcd, Kv, Range, Value},
    node::{Inbox, Note, Server, Timer, Wait},
};

/// How often a call is passed on at most.
const HOPS: u32 = 3;
/// How long a user waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// The calls that wait for an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Api {
    calls: BTreeMap<u32, Passed>,
    made: u32,
}

#[derive(Clone, Debug)]
struct Passed {
    request: coordinator::Command,
    /// The node that has passed it on, and its number there; none: the user has called here.
    from: Option<(NodeId, u32)>,
    hops: u32,
    /// The nodes that are registered, once they are looked up.
    captures: Vec<NodeId>,
}

impl Server {
    /// A user calls this node, or another node passes on what a user wants.
    pub(super) fn on_api_call(
        &mut self,
        request: &coordinator::Command,
        (from, hops): (Option<(NodeId, u32)>, u32),
        cx: &mut Cx,
    ) {
        self.api.made += 1;
        let number = self.api.made;
        let call = Passed { request: request.clone(), from, hops, captures: Vec::new() };
        self.api.calls.insert(number, call);
        cx.out.alarm(Timer::ApiGivesUp { number }.into(), PATIENCE);
        let request = request.clone();
        cx.tell(Place::Coordinator, coordinator::Inbox::ApiRequest { number, request });
    }

    /// This node does not lead: who does?
    pub(super) fn on_not_owner(&mut self, number: u32, cx: &mut Cx) {
        match self.api.calls.get(&number) {
            Some(call) if call.hops >= HOPS => self.on_api_answered(number, "the cluster is unavailable", cx),
            Some(_) => {
                let range = Range::Captures;
                let wait = Wait::ApiCaptures { number };
                self.calls.call(cx, wait, |call| Etcd::RangeRequest { call, range });
            }
            None => {}
        }
    }

    pub(super) fn on_api_captures(&mut self, number: u32, captures: &[Kv], cx: &mut Cx) {
        let Some(call) = self.api.calls.get_mut(&number) else { return };
        let node = |kv: &Kv| if let Value::Node(node) = kv.value { Some(node) } else { None };
        call.captures = captures.iter().filter_map(node).collect();
        let wait = Wait::ApiOwner { number };
        self.calls.call(cx, wait, |call| Etcd::RangeRequest { call, range: Range::FIRST_OWNER });
    }

    /// Passes the call on to whoever leads as etcd knows it.
    pub(super) fn on_api_owner(&mut self, number: u32, owner: Option<&Kv>, cx: &mut Cx) {
        let Some(call) = self.api.calls.get(&number) else { return };
        match owner {
            Some(Kv { value: Value::Node(owner), .. }) if call.captures.contains(owner) => {
                let (request, hops) = (call.request.clone(), call.hops + 1);
                cx.note(Note::ApiForwarded { node: cx.id(), to: *owner, request: request.clone() });
                let to = Addr::Node(*owner, Place::Server);
                cx.out.send(to, Inbox::ForwardedRequest { number, hops, request }.into());
            }
            _ => self.on_api_answered(number, "there is no coordinator", cx),
        }
    }

    /// The answer goes back the way that the call has come.
    pub(super) fn on_api_answered(&mut self, number: u32, answer: &'static str, cx: &mut Cx) {
        let Some(Passed { request, from, .. }) = self.api.calls.remove(&number) else { return };
        match from {
            Some((node, number)) => {
                let to = Addr::Node(node, Place::Server);
                cx.out.send(to, Inbox::ForwardedAnswer { number, answer }.into());
            }
            None => cx.note(Note::ApiReturned { node: cx.id(), request, answer }),
        }
    }

    /// The user hangs up. Who has passed the call on for him does, too.
    pub(super) fn on_api_gives_up(&mut self, number: u32, cx: &mut Cx) {
        if self.api.calls.get(&number).is_some_and(|call| call.from.is_none()) {
            self.on_api_answered(number, "the user has given up", cx);
        } else {
            self.api.calls.remove(&number);
        }
    }
}
