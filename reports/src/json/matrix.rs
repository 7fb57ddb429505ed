//! Matrices for programs.

use scenarios::matrix::{Found, Matrix};
use serde::Serialize;

use super::{BrokenIn, MeasuredIn};

/// The format of `matrix`.
pub const MATRIX: &str = "cdcsim.matrix/2";

/// Policies against scenarios.
#[derive(Debug, Serialize)]
pub struct Grid {
    /// [`MATRIX`].
    pub schema: &'static str,
    /// Every policy in every scenario that was run.
    pub cells: Vec<Cell>,
}

/// A policy in a scenario.
#[derive(Debug, Serialize)]
pub struct Cell {
    /// The policy.
    pub policy: String,
    /// The scenario.
    pub scenario: String,
    /// How many seeds were run.
    pub ran: u64,
    /// In how many of them something broke.
    pub broken: u64,
    /// How many could not be won, and broke nothing.
    pub inconclusive: u64,
    /// How many runs the testbed failed.
    pub failed: u64,
    /// What broke.
    pub by: Vec<BrokenIn>,
    /// What was measured, over all runs.
    pub measures: Vec<MeasuredIn>,
    /// Whether it was stopped before the last seed.
    pub interrupted: bool,
}

impl Grid {
    /// As it stands in a report.
    pub fn new(matrix: &Matrix) -> Grid {
        let mut cells = Vec::new();
        for (policy, tallies) in &matrix.rows {
            cells.extend(matrix.scenarios.iter().zip(tallies).map(|(scenario, tally)| Cell {
                policy: policy.clone(),
                scenario: scenario.clone(),
                ran: tally.ran,
                broken: tally.broken,
                inconclusive: tally.inconclusive,
                failed: tally.failed,
                by: tally.by_invariant.iter().map(BrokenIn::from).collect(),
                measures: tally.measured().map(MeasuredIn::from).collect(),
                interrupted: tally.interrupted,
            }));
        }
        Grid { schema: MATRIX, cells }
    }
}

/// The format of `matrix --mutants`.
pub const MUTANTS: &str = "cdcsim.mutants/1";

/// Mutants, and what detects them.
#[derive(Debug, Serialize)]
pub struct Mutants {
    /// [`MUTANTS`].
    pub schema: &'static str,
    /// Every mutant that was run.
    pub mutants: Vec<TriedMutant>,
}

/// A mutant.
#[derive(Debug, Serialize)]
pub struct TriedMutant {
    /// Its name.
    pub mutant: &'static str,
    /// It as a policy.
    pub policy: &'static str,
    /// What is wrong in it.
    pub about: &'static str,
    /// What detects it; nothing: it is not detected.
    pub detected_by: Vec<DetectedBy>,
}

/// A scenario that detects a mutant.
#[derive(Debug, Serialize)]
pub struct DetectedBy {
    /// The scenario.
    pub scenario: String,
    /// How many seeds were run.
    pub ran: u64,
    /// What broke.
    pub by: Vec<BrokenIn>,
}

impl Mutants {
    /// As it stands in a report.
    pub fn new(found: &[Found]) -> Mutants {
        let mutants = found.iter().map(|Found { mutant, by }| {
            let detected_by = by.iter().map(|detection| DetectedBy {
                scenario: detection.scenario.clone(),
                ran: detection.ran,
                by: detection.broke.iter().map(BrokenIn::from).collect(),
            });
            TriedMutant {
                mutant: mutant.id,
                policy: mutant.policy,
                about: mutant.about,
                detected_by: detected_by.collect(),
            }
        });
        Mutants { schema: MUTANTS, mutants: mutants.collect() }
    }
}
