//! The state of the coordinator, as lines.

use std::fmt::{self, Write};

use crate::{
    coordinator::{Coordinator, Term},
    state::{flags, list},
};

impl Coordinator {
    /// A line for whatever is there: the term, its changefeeds, its operators.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn describe(&self, f: &mut impl Write) -> fmt::Result {
        match &self.term {
            None => writeln!(f, "no term"),
            Some(term) => term.describe(f),
        }
    }
}

impl Term {
    fn describe(&self, f: &mut impl Write) -> fmt::Result {
        let stage = if self.initialized { "initialized" } else { "bootstrapping" };
        writeln!(f, "term version={} {stage}{}", self.version, flags(&[(self.loading, "loading")]))?;
        let silent = list(self.bootstrapper.silent());
        if !silent.is_empty() {
            writeln!(f, "  silent {silent}")?;
        }
        if let Some(ts) = self.changefeeds.gc_safepoint() {
            writeln!(f, "  gc-safepoint {ts}")?;
        }
        for (cf, one) in self.changefeeds.iter() {
            let node = one.node.map_or(String::new(), |node| format!(" at {node}"));
            let flags = flags(&[
                (one.status.bootstrap_done, "bootstrap_done"),
                (one.is_new, "is_new"),
                (one.info.sparse.0, "sparse"),
            ]);
            let placement = self.changefeeds.placement(cf);
            let (state, epoch) = (one.info.state, one.info.epoch);
            let (checkpoint, saved) = (one.status.checkpoint, one.saved);
            let error = one.info.error.map_or(String::new(), |error| format!(" `{error}`"));
            let target = one.info.target.0.map_or(String::new(), |ts| format!(" target={ts}"));
            writeln!(
                f,
                "  {cf} {placement}{node} {state}{error} {epoch} {checkpoint} saved {saved}{target}{flags}"
            )?;
        }
        self.operators.describe(f)
    }
}
