//! What the downstream has not ended.

use crate::{
    pending::Pending,
    sink::{Sink, statements::Stage},
};

impl Sink {
    /// What it waits for.
    pub fn pending(&self) -> Vec<Pending> {
        let mut all = Vec::new();
        match self.faults.hangs() {
            Some(true) => all.push(Pending::new("the end of an outage: it hangs")),
            Some(false) => all.push(Pending::new("the end of an outage: it refuses calls")),
            None => {}
        }
        let locked = |stage: &Stage| matches!(stage, Stage::Locks { waits_since: Some(_), .. });
        let locked = self.statements.values().filter(|one| locked(&one.stage)).count();
        if locked > 0 {
            all.push(Pending::new(format!("rows that others change, for {locked} transactions")));
        }
        all
    }
}
