//! Known findings: what breaks and has been understood, so that a gate tells it apart from what is new.
//!
//! They stand in a TOML file, `fixtures/known-findings.toml`:
//!
//! ```toml
//! [[finding]]
//! id = "F17"
//! breaks = ["checkpoint_safe (data)", "redo_is_ahead"]
//! shape = ["dispatchers Statuses"]
//! reason = "a report of changed states brings back an old watermark"
//! link = "docs/findings.md"
//! cured_by = "dispatchers.status_watermark=computed"
//! capsules = ["capsules/found/f17.json"]
//! ```
//!
//! `breaks` is as claims name it, with an aspect or without. `shape` lists what has to be among the shape of its story.
//! `cured_by` names switches, with `+` between several, and `without` kinds of weather ([`Mend`]): the same run with these switches and
//! without that weather has to hold in this respect. One of the three is needed, or whatever breaks the invariant would be taken for it.
//! `capsules` are paths from the folder of the file.

mod cure;
mod mend;

use std::{collections::BTreeSet, ops::Range};

use serde::Deserialize;
use toml::Spanned;

pub use mend::Mend;

use crate::{
    Error, PolicySpec, catalogue::reading, file::Names, gate::UNDER_TEST, scenario::Place,
    signature::Signature,
};

/// The findings of a file, in its order.
#[derive(Clone, Debug, Default)]
pub struct KnownFindings {
    findings: Vec<KnownFinding>,
}

/// A finding that has been understood.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct KnownFinding {
    /// Its name, such as `F17`.
    pub id: String,
    /// What breaks, as claims name it: `single_writer`, or `single_writer (applied)`.
    breaks: Names,
    /// What has to be among the shape of its story.
    #[serde(default)]
    pub shape: BTreeSet<String>,
    /// Why it breaks, in a sentence.
    pub reason: String,
    /// Where more is said about it.
    pub link: String,
    /// The switches, as they stand behind the name of a policy, with which it does not occur.
    #[serde(default)]
    pub cured_by: Option<String>,
    /// The kinds of weather without which it does not occur.
    #[serde(default)]
    without: Option<Names>,
    /// Capsules that show it: paths from the folder of the file.
    #[serde(default)]
    pub capsules: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "finding")]
    findings: Vec<Spanned<KnownFinding>>,
}

impl KnownFindings {
    /// Reads a file.
    pub fn read(path: &str) -> Result<KnownFindings, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::new(path, reading(&error)))?;
        KnownFindings::parse(path, &text)
    }

    /// Reads them from text; `at` names the file in complaints.
    pub fn parse(at: &str, text: &str) -> Result<KnownFindings, Error> {
        let place = Place::new(at, text);
        let File { findings } = toml::from_str(text).map_err(|error| {
            let message = error.message().trim_end().replace('\n', "; ");
            place.error(error.span().unwrap_or(0..0), message)
        })?;
        let mut ids = BTreeSet::new();
        for finding in &findings {
            check(finding.get_ref(), finding.span(), &mut ids, &place)?;
        }
        Ok(KnownFindings { findings: findings.into_iter().map(Spanned::into_inner).collect() })
    }

    /// All of them.
    pub fn all(&self) -> &[KnownFinding] {
        &self.findings
    }
}

fn check<'a>(
    finding: &'a KnownFinding,
    span: Range<usize>,
    ids: &mut BTreeSet<&'a str>,
    place: &Place,
) -> Result<(), Error> {
    let KnownFinding { id, shape, reason, link, cured_by, without, .. } = finding;
    if let Some(switches) = cured_by {
        let cured = PolicySpec::parse(&format!("{UNDER_TEST}+{switches}"));
        cured.map_err(|error| place.error(span.clone(), error.what))?;
    }
    for name in without.iter().flat_map(Names::all) {
        Mend::named(name).map_err(|what| place.error(span.clone(), what))?;
    }
    if shape.is_empty() && cured_by.is_none() && without.is_none() {
        let what =
            format!("{id} would be taken for whatever breaks the same; say `shape`, `cured_by` or `without`");
        return Err(place.error(span, what));
    }
    for (what, text) in [("an id", id), ("a reason", reason), ("a link", link)] {
        if text.trim().is_empty() {
            return Err(place.error(span, format!("a known finding needs {what}")));
        }
    }
    if !ids.insert(id) {
        return Err(place.error(span, format!("there are two findings {id}")));
    }
    for name in finding.breaks() {
        let whole = name.split(" (").next().unwrap_or_default();
        if model::invariants::ALL.iter().all(|one| one.name != whole) {
            let names = model::invariants::ALL.iter().map(|one| one.name);
            return Err(place.error(span, crate::error::unknown("invariant", whole, names)));
        }
    }
    Ok(())
}

impl KnownFinding {
    /// What breaks, as claims name it.
    pub fn breaks(&self) -> &[String] {
        self.breaks.all()
    }

    fn mends(&self) -> impl Iterator<Item = Mend> {
        let named = |name: &String| Mend::named(name).expect("it was checked when the file was read");
        self.without.iter().flat_map(Names::all).map(named)
    }

    /// Whether a signature may be one of it.
    fn is_of(&self, signature: &Signature) -> bool {
        let named = |name: &String| *name == signature.invariant || *name == signature.name();
        self.breaks().iter().any(named) && self.shape.is_subset(&signature.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
[[finding]]
id = "F1"
breaks = "single_writer (applied)"
shape = ["sink Execute < sink_client Worker"]
reason = "r"
link = "docs/findings.md"

[[finding]]
id = "F2"
breaks = ["recovers", "data_equal"]
without = "stops"
reason = "r"
link = "docs/findings.md"
"#;

    fn signature(invariant: &'static str, aspect: &'static str, shape: &[&str]) -> Signature {
        let shape = shape.iter().map(|one| (*one).to_owned()).collect();
        Signature { invariant, aspect, shape }
    }

    #[test]
    fn a_signature_is_explained_by_name_and_shape() {
        let known = KnownFindings::parse("known.toml", FILE).expect("well-formed");
        let explained = |signature: &Signature| {
            known.all().iter().find(|finding| finding.is_of(signature)).map(|one| one.id.as_str())
        };
        let shape = ["a", "sink Execute < sink_client Worker"];
        assert_eq!(explained(&signature("single_writer", "applied", &shape)), Some("F1"));
        assert_eq!(explained(&signature("single_writer", "applied", &["a"])), None);
        assert_eq!(explained(&signature("single_writer", "started", &shape)), None);
        assert_eq!(explained(&signature("recovers", "operator", &[])), Some("F2"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let complaint = |text: &str| KnownFindings::parse("known.toml", text).unwrap_err().to_string();
        insta::assert_snapshot!(complaint(&FILE.replace("F2", "F1")), @"
        known.toml:9:1: there are two findings F1
          | [[finding]]
        ");
        insta::assert_snapshot!(complaint(&FILE.replace("recovers", "recover")), @"
        known.toml:9:1: `recover` is no invariant; did you mean `recovers`?
          | [[finding]]
        ");
        let uncured = FILE.replace("reason", "cured_by = 'dispatchers.status_watermark=x'\nreason");
        insta::assert_snapshot!(complaint(&uncured), @"
        known.toml:2:1: `x` is no alternative of dispatchers.status_watermark; there is after_the_one_before, for_the_report or computed
          | [[finding]]
        ");
        insta::assert_snapshot!(complaint(&FILE.replace("link", "url")), @r#"
        known.toml:7:1: unknown field `url`, expected one of `id`, `breaks`, `shape`, `reason`, `link`, `cured_by`, `without`, `capsules`
          | url = "docs/findings.md"
        "#);
        insta::assert_snapshot!(complaint(&FILE.replace("stops", "rain")), @"
        known.toml:9:1: `rain` is no kind of weather; there is stops, core, haste, outages or revocations
          | [[finding]]
        ");
        insta::assert_snapshot!(complaint(&FILE.replace("without = \"stops\"\n", "")), @"
        known.toml:9:1: F2 would be taken for whatever breaks the same; say `shape`, `cured_by` or `without`
          | [[finding]]
        ");
    }
}
