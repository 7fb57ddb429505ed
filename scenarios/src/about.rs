//! What a scenario tells its readers and no run depends on: its topic, the issues behind it, and why each claim is as it is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Scenario;

/// What a story is about; the catalogue is in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// A cluster in which nothing particular goes wrong.
    Cluster,
    /// Sessions and leases, and what fences a node that has lost its own.
    Sessions,
    /// Who leads, epochs, and which node maintains a changefeed.
    Coordinator,
    /// A maintainer after one that has died.
    Takeover,
    /// A maintainer after one that is on its way out.
    Handover,
    /// Spans that are placed, moved, split and merged, and the checkpoint meanwhile.
    Spans,
    /// DDLs, syncpoints, and table triggers.
    Ddls,
    /// What the managers of one node have in common.
    Dispatchers,
    /// The downstream, and the redo log.
    Downstream,
    /// Users who pause, resume, remove and drain.
    Users,
    /// Clusters of two versions.
    Upgrades,
}

impl Topic {
    /// All, in the order of the catalogue.
    pub const ALL: [Topic; 11] = [
        Topic::Cluster,
        Topic::Sessions,
        Topic::Coordinator,
        Topic::Takeover,
        Topic::Handover,
        Topic::Spans,
        Topic::Ddls,
        Topic::Dispatchers,
        Topic::Downstream,
        Topic::Users,
        Topic::Upgrades,
    ];

    /// As a heading.
    pub fn title(self) -> &'static str {
        match self {
            Topic::Cluster => "A cluster in which nothing particular goes wrong",
            Topic::Sessions => "Sessions, leases, and the fence of a node",
            Topic::Coordinator => "Coordinators: elections, epochs, moves of maintainers",
            Topic::Takeover => "Maintainers that follow a dead one",
            Topic::Handover => "Maintainers that hand over",
            Topic::Spans => "Spans and checkpoints",
            Topic::Ddls => "DDLs and table triggers",
            Topic::Dispatchers => "What dispatcher managers of one node have in common",
            Topic::Downstream => "The downstream and the redo log",
            Topic::Users => "Users",
            Topic::Upgrades => "Clusters of two versions",
        }
    }
}

/// An issue or a pull request of GitHub, written `pingcap/ticdc#5083`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Issue {
    /// Owner and name.
    pub repository: String,
    /// The number.
    pub number: u32,
}

impl Issue {
    /// Where it can be read; GitHub leads on to the pull request if it is one.
    pub fn url(&self) -> String {
        format!("https://github.com/{}/issues/{}", self.repository, self.number)
    }
}

impl TryFrom<String> for Issue {
    type Error = String;

    fn try_from(written: String) -> Result<Issue, String> {
        let wrong = || format!("`{written}` is no issue; write `pingcap/ticdc#5083`");
        let (repository, number) = written.split_once('#').ok_or_else(wrong)?;
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"-_.".contains(&letter))
        };
        let named = repository.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name));
        let digits = number.bytes().all(|digit| digit.is_ascii_digit());
        match number.parse() {
            Ok(number) if named && digits && number > 0 => {
                Ok(Issue { repository: repository.to_owned(), number })
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.repository, self.number)
    }
}

impl Scenario {
    /// What its story is about, if the file says so.
    pub fn topic(&self) -> Option<Topic> {
        self.file.topic
    }

    /// The issues and pull requests that it is after.
    pub fn issues(&self) -> &[Issue] {
        &self.file.issues
    }

    /// Why each claim is as it is: the comments right above it and in it. One for each claim, in order; empty where there are none.
    pub fn reasons(&self) -> Vec<String> {
        let claims = self.file.claims.iter();
        claims.map(|claim| comments(self.text(), claim.policy.span().start)).collect()
    }
}

/// The comments right above the claim that has its policy at this place, and in it.
fn comments(text: &str, policy: usize) -> String {
    let before = &text[..policy];
    // A claim that is written in one line has no room for comments.
    let Some(heading) = before.rfind("[[claim]]") else { return String::new() };
    let is_comment = |line: &&str| line.starts_with('#');
    let mut above: Vec<&str> = text[..heading].lines().rev().take_while(is_comment).collect();
    above.reverse();
    let within =
        text[heading..].lines().skip(1).take_while(|line| !line.trim().is_empty() && !line.starts_with('['));
    let all = above.into_iter().chain(within.filter(is_comment));
    all.map(|line| line.trim_start_matches('#').trim()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_of_a_repository() {
        let read = |written: &str| Issue::try_from(written.to_owned());
        let issue = read("pingcap/ticdc#5083").unwrap();
        assert_eq!(issue.to_string(), "pingcap/ticdc#5083");
        assert_eq!(issue.url(), "https://github.com/pingcap/ticdc/issues/5083");
        for wrong in [
            "",
            "5083",
            "#5083",
            "ticdc#5083",
            "pingcap/ticdc",
            "pingcap/ticdc#",
            "a/b#+1",
            "a/b#0",
            "a/b/c#1",
            "a b/c#1",
        ] {
            assert_eq!(read(wrong), Err(format!("`{wrong}` is no issue; write `pingcap/ticdc#5083`")));
        }
    }

    #[test]
    fn comments_belong_to_the_claim_that_they_stand_beside() {
        let text = "# Of a fault.\n[[fault]]\n\n# Above,\n# in two lines.\n[[claim]]\n# Within.\npolicy = 'a'\n\n# Apart.\n\n[[claim]]\npolicy = 'b'\n# Last.";
        let reason = |policy: &str| comments(text, text.find(policy).unwrap());
        assert_eq!(reason("'a'"), "Above, in two lines. Within.");
        assert_eq!(reason("'b'"), "Last.");
        assert_eq!(comments("claim = [{ policy = 'a' }]", 12), "");
    }
}
