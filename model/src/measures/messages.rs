//! How many messages nodes send each other. What passes between the parts of one node, or to and from services, is not counted.

use sim::{Input, What};

use crate::{Addr, Msg, Record};

#[derive(Default)]
pub(super) struct Messages {
    pub(super) between_nodes: u64,
}

impl Messages {
    #[inline]
    pub(super) fn observe(&mut self, record: &Record) {
        let (from, to, msg) = match &record.what {
            What::Step { actor, input: Input::Message { from, msg } } => (from, actor, msg),
            What::Lost { from, to, msg, .. } => (from, to, msg),
            What::Step { .. } | What::Fault(_) | What::Nothing => return,
        };
        if let (Addr::Node(from, _), Addr::Node(to, _)) = (from, to)
            && from.slot != to.slot
            && matches!(msg, Msg::Coordinator(_) | Msg::Maintainers(_) | Msg::Dispatchers(_))
        {
            self.between_nodes += 1;
        }
    }
}
