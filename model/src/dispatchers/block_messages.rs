//! What dispatchers and their maintainer tell each other about block events: DDLs and syncpoints.

use std::fmt;

use crate::{
    DispatcherId, Mode, SchemaId, Ts,
    hear::{Hear, Unheard, Words},
    upstream::ddl::{Influence, NewTable, SchemaChange},
    vocabulary::{Joined, Say, say_joined, spoken, vocabulary, words},
};

/// How far a block event is at a dispatcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// It did not stop the dispatcher, and is downstream.
    None,
    /// Everything before it is downstream; the dispatcher waits for an action.
    Waiting,
    /// The action is being carried out.
    Writing,
    /// It has been.
    Done,
}

words! {
    Stage { None => "NONE", Waiting => "WAITING", Writing => "WRITING", Done => "DONE" }
}

spoken! {
    /// Which block event is meant. A DDL and a syncpoint may have the same timestamp.
    #[derive(Copy, PartialOrd, Ord)]
    pub struct EventKey {
        /// Its timestamp.
        pub ts: Ts,
        /// Whether it is a syncpoint.
        pub syncpoint: bool,
    }
}

spoken! {
    /// A block event at a dispatcher (`State` upstream).
    pub struct BlockState {
        /// How far it is. Nothing but the event is told with [`Stage::Done`].
        pub stage: Stage,
        /// Which event.
        pub event: EventKey,
        /// The tables that may not go past it before it is executed.
        pub blocked: Option<Influence>,
        /// The tables that it takes.
        pub dropped: Option<Influence>,
        /// The tables that it brings.
        pub added: Joined<NewTable>,
        /// The tables that change their database.
        pub moved: Joined<SchemaChange>,
    }
}

spoken! {
    /// The block event of one dispatcher.
    pub struct BlockStatus {
        /// The dispatcher.
        pub id: DispatcherId,
        /// The event.
        pub state: BlockState,
        /// Whether it is a redo dispatcher.
        pub mode: Mode,
    }
}

vocabulary! {
    /// What a maintainer says about a block event.
    pub enum Answer {
        /// It has heard of it: the dispatcher need not tell again.
        Ack { event: EventKey },
        /// It has not taken notice of it: the dispatcher may tell again at once.
        IgnoredBlockStatus { event: EventKey },
        /// It is to be executed.
        Write { event: EventKey },
        /// It was executed by another: the dispatcher may go past it.
        Pass { event: EventKey },
        /// An action that this version does not know.
        UnknownAction { event: EventKey },
    }
}

/// Whom an answer is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Influenced {
    /// These.
    Normal(Vec<DispatcherId>),
    /// Those of a database, and the table trigger.
    Db(SchemaId),
    /// All of the manager.
    All,
}

spoken! {
    /// An answer, and whom it is for (`DispatcherStatus` upstream).
    pub struct BlockAnswer {
        /// The answer.
        pub answer: Answer,
        /// Whom it is for.
        pub influenced: Influenced,
        /// At most one that is left out. Nobody looks at this any more.
        pub exclude: Joined<DispatcherId>,
    }
}

impl BlockState {
    /// One that tells nothing but the stage of an event.
    pub(crate) fn bare(stage: Stage, event: EventKey) -> BlockState {
        BlockState {
            stage,
            event,
            blocked: None,
            dropped: None,
            added: Joined(Vec::new()),
            moved: Joined(Vec::new()),
        }
    }

    /// Whether tables come, go or move with it.
    pub(crate) fn needs_schedule(&self) -> bool {
        !self.added.0.is_empty() || self.dropped.is_some() || !self.moved.0.is_empty()
    }
}

impl BlockAnswer {
    /// To one dispatcher.
    pub(crate) fn to(id: DispatcherId, answer: Answer) -> BlockAnswer {
        BlockAnswer { answer, influenced: Influenced::Normal(vec![id]), exclude: Joined(Vec::new()) }
    }
}

impl Say for Answer {
    fn say(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {self}")
    }
}

impl Say for Influenced {
    fn say(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Influenced::Normal(ids) => say_joined(ids, "to", f),
            Influenced::Db(schema) => write!(f, " to={schema}"),
            Influenced::All => write!(f, " to=all"),
        }
    }
}

impl Hear for Influenced {
    fn hear(_: &str, words: &mut Words) -> Result<Influenced, Unheard> {
        let found = words.next(|word| {
            let value = word.strip_prefix("to=")?;
            let ids = || value.split('+').map(str::parse).collect::<Result<_, _>>().map(Influenced::Normal);
            match value {
                "all" => Some(Influenced::All),
                _ => value.parse().map(Influenced::Db).or_else(|_| ids()).ok(),
            }
        });
        found.ok_or_else(|| {
            words.wrong("influenced", "`to=…`, which is dispatchers such as d1@n1+d2@n1, a database or all")
        })
    }
}
