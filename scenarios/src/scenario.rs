//! A scenario: a file that has been read, every name in it checked, and every complaint with its line.

use std::{collections::BTreeSet, ops::Range};

use model::invariants;
use sim::Duration;
use toml::Spanned;

use crate::{
    Error, chaos,
    error::unknown,
    file::{File, Names},
    policy::PolicySpec,
};

/// A story that a colleague could retell, and what it shows.
#[derive(Clone, Debug)]
pub struct Scenario {
    name: String,
    text: String,
    pub(crate) file: File,
    /// The invariants that do not watch its runs.
    off: BTreeSet<&'static str>,
}

/// What a scenario says of a policy.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The policy.
    pub policy: PolicySpec,
    /// The invariants that it breaks, each in some seeds.
    pub breaks: Vec<String>,
    /// The invariants that it may break or not. All others hold in all seeds.
    pub may_break: Vec<String>,
    /// Notes of which each has to appear in some seed.
    pub witnesses: Vec<String>,
}

impl Scenario {
    /// Reads a scenario. `at` names the file in complaints.
    pub fn parse(name: &str, at: &str, text: &str) -> Result<Scenario, Error> {
        let place = Place::new(at, text);
        let file: File = toml::from_str(text).map_err(|error| {
            let message = error.message().trim_end().replace('\n', "; ");
            place.error(error.span().unwrap_or(0..0), message)
        })?;
        crate::draw::check(&file, &place)?;
        let off = BTreeSet::new();
        Ok(Scenario { name: name.to_owned(), text: text.to_owned(), file, off })
    }

    /// The same, and these invariants do not watch its runs: that changes nothing else of them. What its claims say of them is
    /// left out. `all` are all of them.
    ///
    /// The error is a name that is none.
    pub fn without<S: AsRef<str>>(&self, names: &[S]) -> Result<Scenario, Error> {
        let mut changed = self.clone();
        for name in names.iter().map(AsRef::as_ref) {
            if name == "all" {
                changed.off.extend(invariants::ALL.iter().map(|one| one.name));
                continue;
            }
            changed.off.insert(invariant(name)?.name);
        }
        Ok(changed)
    }

    /// Whether an invariant watches its runs.
    pub(crate) fn is_watched_by(&self, invariant: &str) -> bool {
        !self.off.contains(invariant)
    }

    /// The same, watched by every invariant.
    pub(crate) fn watched_by_all(self) -> Scenario {
        Scenario { off: BTreeSet::new(), ..self }
    }

    /// The file as a table.
    pub(crate) fn table(&self) -> toml::Table {
        toml::from_str(&self.text).expect("it was read before")
    }

    /// The same with another table, if that is a scenario.
    pub(crate) fn changed(&self, table: &toml::Table) -> Option<Scenario> {
        let changed = Scenario::parse(&self.name, &self.name, &toml::to_string(table).ok()?).ok()?;
        Some(Scenario { off: self.off.clone(), ..changed })
    }

    /// What a seed makes of it: itself, unless it has chaos.
    pub fn concrete(&self, seed: sim::Seed) -> Scenario {
        let Some(chaos) = &self.file.chaos else { return self.clone() };
        let table = chaos::draw(&self.table(), chaos, self.file.run_for.0, seed);
        let text = toml::to_string(&table).expect("tables can be written");
        let drawn = Scenario::parse(&self.name, &format!("{} as drawn by seed {seed}", self.name), &text);
        let drawn = drawn.unwrap_or_else(|error| panic!("what was drawn is no scenario: {error}\n{text}"));
        Scenario { off: self.off.clone(), ..drawn }
    }

    /// Whether a seed draws what goes wrong.
    pub fn has_chaos(&self) -> bool {
        self.file.chaos.is_some()
    }

    /// The name by which it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file, as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What happens, in words.
    pub fn story(&self) -> &str {
        self.file.story.trim()
    }

    /// How long things may go wrong in it, and how long the cluster has to settle after that.
    pub(crate) fn phases(&self) -> (Duration, Duration) {
        (self.file.run_for.0, self.file.settle_for.0)
    }

    /// How many nodes it has.
    pub(crate) fn nodes(&self) -> u32 {
        *self.file.cluster.nodes.get_ref()
    }

    /// How long a run of it is, in simulated time.
    pub fn length(&self) -> Duration {
        self.file.run_for.0 + self.file.settle_for.0
    }

    /// How large what it simulates is, in words.
    pub fn size(&self) -> String {
        let count = |n: u32, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
        let File { cluster, workload, run_for, settle_for, .. } = &self.file;
        let (nodes, changefeeds) = (*cluster.nodes.get_ref(), *cluster.changefeeds.get_ref());
        let (nodes, changefeeds) = (count(nodes, "node"), count(changefeeds, "changefeed"));
        let tables = count(*workload.tables.get_ref(), "table");
        format!("{nodes}, {changefeeds} of {tables}, for {} and {} to settle", run_for.0, settle_for.0)
    }

    /// How many seeds show what is claimed.
    pub fn seeds(&self) -> u64 {
        self.file.seeds
    }

    /// What it says of policies.
    pub fn claims(&self) -> Vec<Claim> {
        let names = |names: &Option<Spanned<Names>>| {
            names.as_ref().map(|names| names.get_ref().all().to_vec()).unwrap_or_default()
        };
        let claims = self.file.claims.iter().map(|claim| Claim {
            policy: PolicySpec::parse(claim.policy.get_ref()).expect("it was checked when the file was read"),
            breaks: self.watched(names(&claim.breaks)),
            may_break: names(&claim.may_break),
            witnesses: claim.witnesses.iter().map(|witness| witness.get_ref().clone()).collect(),
        });
        claims.collect()
    }

    /// Those names of a claim that are of invariants that watch.
    fn watched(&self, names: Vec<String>) -> Vec<String> {
        let invariant = |name: &String| name.split(" (").next().unwrap_or_default().to_owned();
        names.into_iter().filter(|name| self.is_watched_by(&invariant(name))).collect()
    }

    /// What it says of this policy.
    pub fn claim(&self, policy: &PolicySpec) -> Option<Claim> {
        self.claims().into_iter().find(|claim| claim.policy.name() == policy.name())
    }
}

/// As much is shown of a line: a file that is none of TOML may be one long line.
const SHOWN: usize = 200;

/// Where complaints about a file are placed.
pub(crate) struct Place<'a> {
    at: &'a str,
    text: &'a str,
}

impl<'a> Place<'a> {
    pub(crate) fn new(at: &'a str, text: &'a str) -> Place<'a> {
        Place { at, text }
    }

    /// A complaint about a part of the file, given in bytes.
    pub(crate) fn error(&self, span: Range<usize>, what: impl Into<String>) -> Error {
        let before = &self.text[..self.text.floor_char_boundary(span.start)];
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
        let shown: String = self.text.lines().nth(line - 1).unwrap_or_default().chars().take(SHOWN).collect();
        Error::new(format!("{}:{line}:{column}", self.at), format!("{}\n  | {shown}", what.into()))
    }
}

/// The invariant of this name.
///
/// The error says what there is.
pub fn invariant(name: &str) -> Result<&'static invariants::Named, Error> {
    let complain = || {
        let whole = name.split(" (").next().unwrap_or_default();
        let mut names = invariants::ALL.iter().map(|one| one.name);
        let what = match names.clone().any(|known| known == whole) {
            true => format!("an invariant is named as a whole here: write `{whole}`"),
            false => unknown("invariant", name, names.by_ref().collect::<Vec<_>>()),
        };
        Error::new(format!("invariant `{name}`"), what)
    };
    invariants::ALL.iter().find(|one| one.name == name).ok_or_else(complain)
}
