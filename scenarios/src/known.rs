//! Known findings: what breaks and has been understood, so that a gate tells it apart from what is new.
//!
//! They stand in a TOML file, `fixtures/known-findings.toml`:
//!
//! ```toml
//! [[finding]]
//! id = "F17"
//! invariant = "checkpoint_safe"
//! shape = ["dispatchers Statuses"]
//! reason = "a report of changed states brings back an old watermark"
//! link = "docs/findings.md"
//! cured_by = "dispatchers.status_watermark=computed"
//! capsule = "capsules/found/f17.json"
//! ```
//!
//! `invariant` is as claims name it, with an aspect or without. `shape` lists what has to be among the shape of its story.
//! `cured_by` names switches, with `+` between several: the same run with them, under the same weather, has to hold in this
//! respect. Without either, whatever breaks the invariant is taken for it. `capsule` is a path from the folder of the file.

use std::{collections::BTreeSet, ops::Range};

use serde::Deserialize;
use toml::Spanned;

use crate::{
    Case, Error, PolicySpec, catalogue::reading, gate::UNDER_TEST, run::broken_at, scenario::Place,
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
    pub invariant: String,
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
    /// A capsule that shows it: a path from the folder of the file.
    #[serde(default)]
    pub capsule: Option<String>,
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

    /// The first that a run with this signature is an instance of. The run may be made again, with what cures the finding.
    pub fn explain(&self, signature: &Signature, case: &Case) -> Option<&KnownFinding> {
        self.findings.iter().find(|finding| finding.explains(signature, case))
    }
}

fn check<'a>(
    finding: &'a KnownFinding,
    span: Range<usize>,
    ids: &mut BTreeSet<&'a str>,
    place: &Place,
) -> Result<(), Error> {
    let KnownFinding { id, invariant, reason, link, cured_by, .. } = finding;
    if let Some(switches) = cured_by {
        let cured = PolicySpec::parse(&format!("{UNDER_TEST}+{switches}"));
        cured.map_err(|error| place.error(span.clone(), error.what))?;
    }
    for (what, text) in [("an id", id), ("a reason", reason), ("a link", link)] {
        if text.trim().is_empty() {
            return Err(place.error(span, format!("a known finding needs {what}")));
        }
    }
    if !ids.insert(id) {
        return Err(place.error(span, format!("there are two findings {id}")));
    }
    let whole = invariant.split(" (").next().unwrap_or_default();
    if model::invariants::ALL.iter().all(|one| one.name != whole) {
        let names = model::invariants::ALL.iter().map(|one| one.name);
        return Err(place.error(span, crate::error::unknown("invariant", whole, names)));
    }
    Ok(())
}

impl KnownFinding {
    /// Whether a run with this signature is an instance of it. The run may be made again, with what cures it.
    pub fn explains(&self, signature: &Signature, case: &Case) -> bool {
        self.is_of(signature) && self.is_cured(signature, case)
    }

    /// Whether a signature is one of it.
    fn is_of(&self, signature: &Signature) -> bool {
        let named = self.invariant == signature.invariant || self.invariant == signature.name();
        named && self.shape.is_subset(&signature.shape)
    }

    /// Whether what cures it makes the run hold in this respect.
    fn is_cured(&self, signature: &Signature, case: &Case) -> bool {
        let Some(switches) = &self.cured_by else { return true };
        let cured = PolicySpec::parse(&format!("{}+{switches}", case.policy.name()));
        cured.is_ok_and(|policy| {
            let Signature { invariant, aspect, .. } = *signature;
            broken_at(&Case { policy, ..case.clone() }, invariant, aspect, None).is_none()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
[[finding]]
id = "F1"
invariant = "single_writer (applied)"
shape = ["sink Execute < sink_client Worker"]
reason = "r"
link = "docs/findings.md"

[[finding]]
id = "F2"
invariant = "recovers"
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
        known.toml:7:1: unknown field `url`, expected one of `id`, `invariant`, `shape`, `reason`, `link`, `cured_by`, `capsule`
          | url = "docs/findings.md"
        "#);
    }
}
