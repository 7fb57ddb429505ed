//! How the redo of a manager is built, in the middle of the construction of the manager: its client, its trigger, its paths,
//! its loop. Only then it counts as ready.

use crate::{
    ChangefeedId, Cx, DispatcherId, Mode, Ts,
    dispatchers::{
        Asker, Dispatchers, ManagerId, Stream, Wake,
        create::{Created, Creation},
        failure::Failure,
        redo::RedoClient,
    },
    sink::{self, QueryId, Reply},
    tasks::{Next, TaskId},
};

/// Redo that is being built.
#[derive(Clone, Debug)]
pub(in crate::dispatchers) struct Init {
    manager: ManagerId,
    cf: ChangefeedId,
    trigger: Option<DispatcherId>,
    start_ts: Ts,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Begin,
    /// The storage of the redo log is being reached.
    Connecting(QueryId),
    Publish,
    Trigger(Creation),
    Paths,
    Ready,
}

/// What a step comes to.
pub(in crate::dispatchers) enum Initialized {
    NotYet(Next),
    Failed(Failure),
    Done,
}

const CLOSED: Initialized = Initialized::Failed(Failure::WritePathClosed { wrapped: false });

impl Init {
    pub(in crate::dispatchers) fn new(
        manager: ManagerId,
        cf: ChangefeedId,
        trigger: Option<DispatcherId>,
        start_ts: Ts,
    ) -> Init {
        Init { manager, cf, trigger, start_ts, stage: Stage::Begin }
    }

    pub(in crate::dispatchers) fn resume(
        &mut self,
        me: TaskId,
        wake: Wake,
        all: &mut Dispatchers,
        cx: &mut Cx,
    ) -> Initialized {
        let id = self.manager;
        let Some(manager) = all.managers.get_mut(&id) else { return CLOSED };
        match &mut self.stage {
            Stage::Begin if !manager.redo.enabled => Initialized::Done,
            Stage::Begin if manager.write_path_closed => CLOSED,
            Stage::Begin => {
                let asker = Asker::Task { task: me, manager: id };
                let query = all.ask(asker, cx, |query| sink::Inbox::Connect { query });
                self.stage = Stage::Connecting(query);
                Initialized::NotYet(Next::Wait)
            }
            Stage::Connecting(query) => match wake {
                Wake::Answer(Reply::Failed { why, .. }) => Initialized::Failed(Failure::Downstream(*why)),
                Wake::Answer(_) => self.go_to(Stage::Publish),
                Wake::Go if all.queries.contains_key(query) => Initialized::NotYet(Next::Wait),
                Wake::Go => Initialized::Failed(Failure::Cancelled),
            },
            Stage::Publish => {
                if !manager.write_path_mu.pass(me) {
                    return Initialized::NotYet(Next::Wait);
                }
                if manager.is_refused(cx) {
                    return CLOSED;
                }
                manager.redo.client = Some(RedoClient::new());
                match self.trigger {
                    Some(trigger) => {
                        let creation = Creation::trigger(id, trigger, self.start_ts, Mode::Redo);
                        self.go_to(Stage::Trigger(creation))
                    }
                    None => self.go_to(Stage::Paths),
                }
            }
            Stage::Trigger(creation) => match creation.resume(me, wake, all, cx) {
                Created::NotYet(next) => Initialized::NotYet(next),
                Created::Failed(failure) => Initialized::Failed(failure),
                Created::Done => self.go_to(Stage::Paths),
            },
            Stage::Paths => {
                if !manager.write_path_mu.pass(me) {
                    return Initialized::NotYet(Next::Wait);
                }
                if manager.is_refused(cx) {
                    return CLOSED;
                }
                // Nobody looks whether they were free.
                for stream in Stream::OF_REDO {
                    if !all.streams.register(stream, self.cf, id) {
                        break;
                    }
                }
                self.go_to(Stage::Ready)
            }
            Stage::Ready if manager.is_refused(cx) => CLOSED,
            Stage::Ready => {
                manager.redo.ready = true;
                all.start_redo_client(id, cx);
                Initialized::Done
            }
        }
    }

    fn go_to(&mut self, stage: Stage) -> Initialized {
        self.stage = stage;
        Initialized::NotYet(Next::Yield)
    }
}
