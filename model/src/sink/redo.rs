//! The storage of the redo log: files of rows and DDLs, and for each client that keeps a redo log how far it is (the redo
//! meta). It is reached as the downstream is, and is as slow.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Addr, ChangefeedId, TableId, Ts,
    sink::{Inbox, Note, Reply, Sink},
    vocabulary::spoken,
};

spoken! {
    /// A row in a file of the redo log.
    #[derive(Copy, PartialOrd, Ord)]
    pub struct Logged {
        /// Its table.
        pub table: TableId,
        /// Which row.
        pub key: u32,
        /// When it changed.
        pub commit: Ts,
    }
}

/// The redo logs of all changefeeds.
#[derive(Clone, Debug, Default)]
pub(super) struct RedoStorage {
    rows: BTreeSet<(ChangefeedId, Logged)>,
    ddls: BTreeSet<(ChangefeedId, Ts)>,
    /// Checkpoint and resolved timestamp, as each client has last written them.
    metas: BTreeMap<(ChangefeedId, Addr), (Ts, Ts)>,
}

impl RedoStorage {
    /// How far the redo log of a changefeed is: whoever reads it takes the furthest of all.
    fn meta(&self, cf: ChangefeedId) -> Option<(Ts, Ts)> {
        let all = self.metas.iter().filter(|((one, _), _)| *one == cf).map(|(_, meta)| *meta);
        all.reduce(|one, other| (one.0.max(other.0), one.1.max(other.1)))
    }

    fn forget(&mut self, cf: ChangefeedId) {
        self.rows.retain(|(one, _)| *one != cf);
        self.ddls.retain(|(one, _)| *one != cf);
        self.metas.retain(|(one, _), _| *one != cf);
    }
}

impl Sink {
    /// Whether the change of a row is in the redo log.
    pub fn is_logged(&self, cf: ChangefeedId, row: Logged) -> bool {
        self.redo.rows.contains(&(cf, row))
    }

    /// Whether a DDL is in the redo log.
    pub fn is_ddl_logged(&self, cf: ChangefeedId, commit: Ts) -> bool {
        self.redo.ddls.contains(&(cf, commit))
    }

    /// What a call to the storage comes to, if it is one.
    pub(super) fn store_redo(&mut self, client: Addr, inbox: &Inbox) -> Option<(Option<Note>, Reply)> {
        let query = inbox.query();
        let done = Reply::Committed { query };
        Some(match inbox {
            Inbox::WriteRedoLog { cf, rows, .. } => {
                self.redo.rows.extend(rows.iter().map(|row| (*cf, *row)));
                let (cf, count) = (*cf, u32::try_from(rows.len()).expect("rows are few"));
                (Some(Note::RedoLogged { client, query, cf, count }), done)
            }
            Inbox::WriteRedoDdl { cf, ddl, .. } => {
                self.redo.ddls.insert((*cf, ddl.commit));
                (Some(Note::RedoDdlLogged { client, query, cf: *cf, ddl: ddl.clone() }), done)
            }
            Inbox::ReadRedoMeta { cf, .. } => {
                let meta = self.redo.meta(*cf);
                let (checkpoint, resolved) = meta.unwrap_or((Ts::NONE, Ts::NONE));
                (None, Reply::RedoMeta { query, checkpoint, resolved })
            }
            Inbox::WriteRedoMeta { cf, checkpoint, resolved, alone, .. } => {
                let (cf, checkpoint, resolved) = (*cf, *checkpoint, *resolved);
                if *alone {
                    self.redo.metas.retain(|(one, _), _| *one != cf);
                }
                self.redo.metas.insert((cf, client), (checkpoint, resolved));
                (Some(Note::RedoMetaWritten { client, query, cf, checkpoint, resolved }), done)
            }
            Inbox::RemoveRedoLog { cf, .. } => {
                self.redo.forget(*cf);
                (Some(Note::RedoLogRemoved { client, query, cf: *cf }), Reply::Cleaned { query })
            }
            _ => return None,
        })
    }
}
