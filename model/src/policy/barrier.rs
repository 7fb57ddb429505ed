//! Switches of the barrier, where block events wait for all whom they concern.

use super::switches;
use crate::{Ts, dispatchers::EventKey};

switches! {
    /// The barrier's switches.
    pub struct Barrier {
        /// When the tables of a block event come and go (`schedule_after_writer_done`).
        pub schedule: ScheduleMoment: is_after_write {
            /// When its writer has done it: nobody writes a new table before the DDL that brings it (pingcap/ticdc#3445).
            AfterWrite => true,
            /// When its writer is chosen: rows of a new table may be there when its TRUNCATE is executed (before
            /// pingcap/ticdc#3445).
            AtSelection => false,
        },
        /// In which order tables come and go (`pending_events_ordered`).
        pub schedule_order: ScheduleOrder {
            /// In that of the events: one that has been written waits for earlier ones (pingcap/ticdc#3445).
            ByTimestamp,
            /// In that of the reports (before pingcap/ticdc#3445).
            AsReported,
        },
        /// What becomes of the table trigger's report of an event of a whole database, or of all tables, while tables are
        /// still to come and go with earlier events (`all_db_wait_pending`).
        pub wide_events: WideEvents: wait {
            /// It counts only when it comes again (pingcap/ticdc#3802).
            WaitForTables => true,
            /// It counts: tables that are about to come are forgotten (before pingcap/ticdc#3802).
            CountAtOnce => false,
        },
        /// Whether reports count at the end whose dispatchers are gone, or are not replicating any more (`double_check_reporters`).
        pub reporters: Reporters: are_checked_again {
            /// They do not (pingcap/ticdc#1643).
            CheckedAgain => true,
            /// They do: a range that others have taken over is taken for covered (before pingcap/ticdc#1643).
            Trusted => false,
        },
        /// How far a dispatcher has to be for an event to count as written (`forward_strictly_greater`).
        pub passed: Passed {
            /// Behind it (pingcap/ticdc#3677).
            Behind,
            /// At it: so is one that starts there and has not done it yet (before pingcap/ticdc#3677).
            AtIt,
        },
        /// Who is told to pass an event of named tables.
        pub pass: PassTo: includes_writer {
            /// All whom it concerns: the writer may have been created again meanwhile (pingcap/ticdc#3970).
            All => true,
            /// All but its writer (before pingcap/ticdc#3970).
            AllButWriter => false,
        },
        /// What is answered to the report of a dispatcher that is not replicating yet.
        pub early_report: EarlyReport: is_answered {
            /// A hint to tell again at once (pingcap/ticdc#4808).
            Answered => true,
            /// Nothing: it tells again in its own time (before pingcap/ticdc#4808).
            Dropped => false,
        },
        /// Which reports count of an event that a maintainer takes up from its predecessor when its writer is at it.
        pub taken_up: TakenUp: counts_waiting {
            /// All: if everybody has reported, it is over as soon as its writer has been told once more, and nobody is told to
            /// pass (all versions).
            All => true,
            /// Those that have done it, as in the second round of any other event.
            Done => false,
        },
        /// Whether tables come and go with an event that counts as written because somebody is behind it, and to which the table trigger
        /// is still to come.
        pub forwarded: Forwarded: bring_tables {
            /// They do not: nobody ever has the tables that it brings (all versions).
            Alone => false,
            /// They do, as soon as the table trigger has come to it (what F51 asks for; no version).
            WithTables => true,
        },
        /// What becomes of an event that is known, and that everybody whom it concerns is behind: nobody will report it any more.
        pub left_behind: LeftBehind: is_over {
            /// It stays, and whoever it concerns is told to pass it once in a second (all versions).
            Stays => false,
            /// It is over (what F36 asks for; no version).
            Over => true,
        },
        /// Whether an event that brings tables holds the checkpoint back while it is under way.
        pub new_tables: NewTables: hold_checkpoint {
            /// It does (pingcap/ticdc#617).
            Hold => true,
            /// It does not (before pingcap/ticdc#617).
            Free => false,
        },
    }
}

impl ScheduleOrder {
    /// Whether it is the turn of an event, when the first of those that wait is this one.
    pub(crate) fn is_turn_of(self, event: EventKey, first: EventKey) -> bool {
        match self {
            ScheduleOrder::ByTimestamp => event == first,
            ScheduleOrder::AsReported => true,
        }
    }
}

impl Passed {
    /// Whether an event at a timestamp is behind a dispatcher with this checkpoint.
    pub(crate) fn is_behind(self, event: Ts, checkpoint: Ts) -> bool {
        match self {
            Passed::Behind => checkpoint > event,
            Passed::AtIt => checkpoint >= event,
        }
    }
}
