//! Which dispatchers of a manager belong to which database.

use std::collections::{BTreeMap, BTreeSet};

use crate::{DispatcherId, SchemaId, dispatchers::Manager, upstream::ddl::BlockEvent};

/// Dispatchers by database; the table trigger is in none.
pub(super) type SchemaIndex = BTreeMap<SchemaId, BTreeSet<DispatcherId>>;

impl Manager {
    /// A dispatcher begins to handle an event that moves its table to another database.
    ///
    /// The index then moves all dispatchers of the old database (`SchemaIDToDispatchers.Update` of the real system does),
    /// over whatever was there for the new one.
    pub(super) fn follow_schema(&mut self, id: DispatcherId, event: &BlockEvent) {
        let Some(one) = self.dispatchers.get_mut(&id).filter(|one| !one.is_trigger()) else { return };
        let moved = event.ddl().map_or(&[][..], |ddl| &ddl.moved);
        let Some(change) = moved.iter().find(|change| change.table == one.span.table) else { return };
        if change.old != one.schema {
            return;
        }
        (one.schema, one.moved_to) = (change.new, Some(change.new));
        let mode = one.mode;
        let schemas = self.schemas_of(mode);
        if let Some(dispatchers) = schemas.remove(&change.old) {
            schemas.insert(change.new, dispatchers);
        }
    }
}
