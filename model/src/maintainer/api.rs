//! What users ask of a maintainer: to move, split or merge a table. Tests of TiCDC do so, to bring a cluster into a state.
//!
//! A call adds an operator, as a scheduler does, and looks again and again whether it has finished, for a minute or half of one.

use std::collections::BTreeMap;

use sim::Duration;

use crate::{
    ChangefeedId, Cx, DispatcherId, NodeId, Span, TableId,
    maintainer::{
        Maintainer, MaintainerId, Maintainers, Note, Timer,
        operators::{Move, Number, Occupy, Operator, Split},
    },
    vocabulary::vocabulary,
};

vocabulary! {
    /// What somebody outside asks of the maintainer of a changefeed.
    pub enum Command {
        /// A table that is not split is to be replicated by another node: the last process of this machine.
        MoveTable { cf: ChangefeedId, table: TableId, node: NodeId },
        /// A table is to be split by its regions.
        SplitTable { cf: ChangefeedId, table: TableId },
        /// Two neighbouring spans of a table are to become one.
        MergeTable { cf: ChangefeedId, table: TableId },
    }
}

/// How often it is looked whether something has finished, and how often at most.
const MOVE_POLL: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_secs(1);
const POLLS: u32 = 30;
/// The same of an operator that is in the way of a merge.
const SOON: Duration = Duration::from_millis(200);
const SOON_POLLS: u32 = 300;

/// The calls that are under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Api {
    calls: BTreeMap<u32, Call>,
    made: u32,
}

#[derive(Clone, Debug)]
struct Call {
    command: Command,
    stage: Stage,
    /// How often it has looked, and how often it has tried to begin a merge.
    looks: u32,
    tries: u32,
}

#[derive(Clone, Debug)]
enum Stage {
    Begins,
    /// An operator has been admitted, and is taken next.
    Admitted {
        operator: Box<dyn Operator>,
        note: Option<Note>,
        next: Next,
    },
    /// It looks whether an operator has finished.
    Waits {
        number: Number,
        next: Next,
    },
    /// It looks whether a span is free.
    InTheWay {
        ids: Vec<DispatcherId>,
        next: Next,
    },
    /// The spans that are to be merged, and how many of them are occupied.
    Merging {
        sources: Vec<DispatcherId>,
        occupied: usize,
    },
}

/// What follows when an operator has been taken, or has finished.
#[derive(Clone, Debug)]
enum Next {
    /// The call waits for it, and ends then.
    Ends,
    /// The call begins again.
    BeginsAgain,
    /// A span has moved to its neighbour: now they are merged.
    Merges(Vec<DispatcherId>),
    /// So many spans are occupied: the next one.
    Occupies(Vec<DispatcherId>, usize),
}

impl Api {
    /// Whether an operator for a span has been admitted, and is to be taken next.
    pub(super) fn has_admitted(&self, id: DispatcherId) -> bool {
        let mut stages = self.calls.values().map(|call| &call.stage);
        stages.any(|stage| matches!(stage, Stage::Admitted { operator, .. } if operator.id() == id))
    }
}

impl Command {
    fn target(&self) -> (ChangefeedId, TableId) {
        match self {
            Command::MoveTable { cf, table, .. }
            | Command::SplitTable { cf, table }
            | Command::MergeTable { cf, table } => (*cf, *table),
        }
    }

    fn called(&self) -> &'static str {
        match self {
            Command::MoveTable { .. } => "move table",
            Command::SplitTable { .. } => "split table",
            Command::MergeTable { .. } => "merge table",
        }
    }
}

impl Maintainers {
    /// A user calls the node of a maintainer.
    pub(super) fn on_command(&mut self, command: &Command, cx: &mut Cx) {
        let (cf, _) = command.target();
        let Some(id) = self.manager.registered(cf) else {
            return answer(command, "there is no maintainer here", cx);
        };
        if let Some(maintainer) = self.maintainers.get_mut(&id) {
            maintainer.api.made += 1;
            let number = maintainer.api.made;
            let call = Call { command: command.clone(), stage: Stage::Begins, looks: 0, tries: 0 };
            maintainer.api.calls.insert(number, call);
            maintainer.api_goes_on(number, cx);
        }
        self.survive_call(id, cx);
    }

    fn survive_call(&mut self, id: MaintainerId, cx: &mut Cx) {
        if let Some(maintainer) = self.maintainers.get_mut(&id) {
            maintainer.survive(cx);
        }
        self.listen(id, cx);
    }
}

fn answer(command: &Command, answer: &'static str, cx: &mut Cx) {
    let (cf, table) = command.target();
    cx.note(Note::TableCallAnswered { cf, table, call: command.called(), answer });
}

impl Maintainer {
    fn api_timer(&self, number: u32) -> crate::Timer {
        Timer::Api { m: self.id, call: number }.into()
    }

    fn api_ends(&mut self, number: u32, how: &'static str, cx: &mut Cx) {
        if let Some(call) = self.api.calls.remove(&number) {
            answer(&call.command, how, cx);
        }
    }

    /// What has been admitted for calls, when a removal begins.
    pub(super) fn take_admitted_by_api(&mut self, cx: &mut Cx) {
        let admitted =
            |(number, call): (&u32, &Call)| matches!(call.stage, Stage::Admitted { .. }).then_some(*number);
        for number in self.api.calls.iter().filter_map(admitted).collect::<Vec<_>>() {
            self.api_takes(number, cx);
        }
    }

    /// A call takes its next step.
    pub(super) fn api_goes_on(&mut self, number: u32, cx: &mut Cx) {
        let Some(call) = self.api.calls.get(&number) else { return };
        match call.stage.clone() {
            Stage::Begins => self.api_begins(number, cx),
            Stage::Admitted { .. } => {
                self.api_takes(number, cx);
                self.api_looks(number, cx);
            }
            Stage::Waits { .. } | Stage::InTheWay { .. } => self.api_looks(number, cx),
            Stage::Merging { sources, occupied } => self.api_occupies(number, sources, occupied, cx),
        }
    }

    fn api_begins(&mut self, number: u32, cx: &mut Cx) {
        let Some(call) = self.api.calls.get(&number) else { return };
        let command = call.command.clone();
        let (_, table) = command.target();
        if !self.spans.has_table(table) {
            return self.api_ends(number, "there is no such table", cx);
        }
        if table == TableId::TRIGGER {
            return self.api_ends(number, "the table trigger cannot be moved", cx);
        }
        let ids: Vec<DispatcherId> = self.spans.ids_of_table(table).collect();
        match command {
            Command::MoveTable { node, .. } => self.api_moves(number, &ids, node, cx),
            Command::SplitTable { .. } => self.api_splits(number, &ids, cx),
            Command::MergeTable { .. } => self.api_merges(number, &ids, cx),
        }
    }

    /// Where there is a move already, it is waited for, wherever it leads; an add is waited for, and then it begins again.
    fn api_moves(&mut self, number: u32, ids: &[DispatcherId], node: NodeId, cx: &mut Cx) {
        let node = cx.process.view().iter().rfind(|one| one.slot == node.slot).copied();
        let Some(node) = node else { return self.api_ends(number, "there is no such node", cx) };
        if self.drained() == Some(node) && !cx.policy().maintainer.move_target.is_any() {
            return self.api_ends(number, "the node is drained", cx);
        }
        let [id] = *ids else { return self.api_ends(number, "the table is split", cx) };
        let from = self.spans.held(id).and_then(|replica| replica.node);
        if from == Some(node) {
            return self.api_ends(number, "done", cx);
        }
        let note = Note::SpanMoves { cf: self.cf, id, from, to: node };
        self.api_admits(number, Move::new(id, from, node), Some(note), Next::Ends, cx);
    }

    fn api_splits(&mut self, number: u32, ids: &[DispatcherId], cx: &mut Cx) {
        let [id] = *ids else { return self.api_ends(number, "done", cx) };
        let Some(replica) = self.spans.held(id).filter(|_| cx.process.config.scheduling.split_tables) else {
            return self.api_ends(number, "tables are not split", cx);
        };
        let known = (replica.node, replica.checkpoint);
        let span = Span { from: 0, to: Span::KEYS, ..replica.span };
        let parts = self.split_at_first(span, cx);
        let count = u32::try_from(parts.len()).expect("spans are few");
        let note = Note::SpanSplits { cf: self.cf, id, span, parts: count };
        self.api_admits(number, Split::new(id, known, parts, Vec::new()), Some(note), Next::Ends, cx);
    }

    /// Two neighbours on one node; without any, the second span moves to the node of the first.
    fn api_merges(&mut self, number: u32, ids: &[DispatcherId], cx: &mut Cx) {
        if ids.len() < 2 {
            return self.api_ends(number, "done", cx);
        }
        let mut ids = ids.to_vec();
        ids.sort_by_key(|id| self.spans.held(*id).map(|replica| replica.span));
        if let Some(two) = ids.windows(2).find(|two| self.joined(two, cx).is_some()) {
            return self.api_occupies(number, two.to_vec(), 0, cx);
        }
        let two = ids[..2].to_vec();
        let node = |id: DispatcherId| self.spans.held(id).and_then(|replica| replica.node);
        let (Some(to), from) = (node(two[0]), node(two[1])) else {
            return self.api_ends(number, "nobody has the first span", cx);
        };
        let note = Note::SpanMoves { cf: self.cf, id: two[1], from, to };
        self.api_admits(number, Move::new(two[1], from, to), Some(note), Next::Merges(two), cx);
    }

    /// Occupies the next of the spans that are to be merged, or begins the merge when all are.
    fn api_occupies(&mut self, number: u32, sources: Vec<DispatcherId>, occupied: usize, cx: &mut Cx) {
        let admitted = match sources.get(occupied).copied() {
            Some(source) if occupied > 0 || self.joined(&sources, cx).is_some() => {
                let node = self.spans.held(source).and_then(|replica| replica.node);
                let occupies = self.admits_operator(source, cx);
                occupies.then(|| (Occupy::new(source, node) as Box<dyn Operator>, None))
            }
            Some(_) => None,
            None => self.merge_of(&sources, cx).map(|(merge, note)| (merge, Some(note))),
        };
        let next = match occupied < sources.len() {
            true => Next::Occupies(sources.clone(), occupied + 1),
            false => Next::Ends,
        };
        if let Some((operator, note)) = admitted {
            return self.api_goes(number, Stage::Admitted { operator, note, next }, Duration::ZERO, cx);
        }
        // Something is in the way: all are given back, and it tries again.
        self.give_back(&sources[..occupied], cx);
        let Some(call) = self.api.calls.get_mut(&number) else { return };
        call.tries += 1;
        if call.tries >= POLLS {
            return self.api_ends(number, "the merge is refused", cx);
        }
        let next = Next::Merges(sources.clone());
        self.api_goes(number, Stage::InTheWay { ids: sources, next }, SOON, cx);
    }

    /// Admits an operator, or waits for the one that is in the way.
    fn api_admits(
        &mut self,
        number: u32,
        operator: Box<dyn Operator>,
        note: Option<Note>,
        next: Next,
        cx: &mut Cx,
    ) {
        let id = operator.id();
        if self.admits_operator(id, cx) {
            return self.api_goes(number, Stage::Admitted { operator, note, next }, Duration::ZERO, cx);
        }
        let existing = self.operators.existing(id);
        match (existing, next) {
            (Some((other, kind)), next)
                if kind.is_move() && !matches!(next, Next::BeginsAgain) && operator.is_move() =>
            {
                self.api_goes(number, Stage::Waits { number: other, next }, Duration::ZERO, cx);
            }
            (Some((other, kind)), Next::Ends) if kind.is_add() && operator.is_move() => {
                let stage = Stage::Waits { number: other, next: Next::BeginsAgain };
                self.api_goes(number, stage, Duration::ZERO, cx);
            }
            (Some(_), Next::Merges(sources)) => {
                let stage = Stage::InTheWay { ids: vec![id], next: Next::Merges(sources) };
                self.api_goes(number, stage, SOON, cx);
            }
            _ => self.api_ends(number, "it is refused", cx),
        }
    }

    /// It goes on so much later, with its count of looks anew.
    fn api_goes(&mut self, number: u32, stage: Stage, after: Duration, cx: &mut Cx) {
        let timer = self.api_timer(number);
        if let Some(call) = self.api.calls.get_mut(&number) {
            call.stage = stage;
            call.looks = 0;
            match after {
                Duration::ZERO => cx.out.give_way(timer),
                after => cx.out.alarm(timer, after),
            }
        }
    }

    /// What has been admitted is taken.
    fn api_takes(&mut self, number: u32, cx: &mut Cx) {
        let Some(call) = self.api.calls.get_mut(&number) else { return };
        let Stage::Admitted { operator, note, next } = std::mem::replace(&mut call.stage, Stage::Begins)
        else {
            return;
        };
        if let Some(note) = note {
            cx.note(note);
        }
        self.push_admitted(operator, cx);
        let stage = match next {
            Next::Occupies(sources, occupied) => Stage::Merging { sources, occupied },
            next => Stage::Waits { number: self.operators.latest(), next },
        };
        if let Some(call) = self.api.calls.get_mut(&number) {
            call.stage = stage;
        }
    }

    /// Looks whether what it waits for is over.
    fn api_looks(&mut self, number: u32, cx: &mut Cx) {
        let Some(call) = self.api.calls.get_mut(&number) else { return };
        let moves = matches!(call.command, Command::MoveTable { .. });
        let (over, pause, most) = match &call.stage {
            Stage::Waits { number, .. } => {
                (self.operators.has_finished(*number), if moves { MOVE_POLL } else { POLL }, POLLS)
            }
            Stage::InTheWay { ids, .. } => (!ids.iter().any(|id| self.operators.has(*id)), SOON, SOON_POLLS),
            Stage::Begins | Stage::Admitted { .. } => return,
            Stage::Merging { .. } => {
                let timer = self.api_timer(number);
                return cx.out.give_way(timer);
            }
        };
        call.looks += 1;
        if !over && call.looks > most {
            return self.api_ends(number, "it takes too long", cx);
        }
        if !over {
            let timer = self.api_timer(number);
            return cx.out.alarm(timer, pause);
        }
        let stage = std::mem::replace(&mut call.stage, Stage::Begins);
        let (Stage::Waits { next, .. } | Stage::InTheWay { next, .. }) = stage else { return };
        match next {
            Next::Ends => self.api_ends(number, "done", cx),
            Next::BeginsAgain => self.api_begins(number, cx),
            Next::Merges(sources) | Next::Occupies(sources, _) => self.api_occupies(number, sources, 0, cx),
        }
    }
}
