//! What a text names becomes a link: issues, findings, mutants, scenarios and pages. For the pages in `docs/`.

use scenarios::{Issue, MUTANTS, catalogue};

/// The repository that a number without one is of.
const USUAL: &str = "pingcap/ticdc";

/// The anchor that GitHub gives a heading.
pub(crate) fn anchor(heading: &str) -> String {
    let letters = heading.to_lowercase();
    let kept = letters.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// The text with its links. What is in backticks stays as it is, unless it is a scenario.
pub(crate) fn linked(text: &str) -> String {
    // The link to a finding says where it is.
    let text = text.replace(" in docs/findings.md", "");
    let parts = text.split('`').enumerate().map(|(n, part)| match n % 2 {
        0 => words(part),
        _ if is_scenario(part) => format!("[`{part}`](#{part})"),
        _ => format!("`{part}`"),
    });
    parts.collect()
}

fn words(text: &str) -> String {
    let mut linked = String::new();
    let mut rest = text;
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_/#.-".contains(letter);
    while let Some(start) = rest.find(is_part) {
        let length = rest[start..].find(|letter| !is_part(letter)).unwrap_or(rest.len() - start);
        let word = rest[start..start + length].trim_end_matches('.');
        linked += &rest[..start];
        linked += &link(word).map_or(word.to_owned(), |target| format!("[{word}]({target})"));
        rest = &rest[start + word.len().max(1)..];
        if word.is_empty() {
            linked.push('.');
        }
    }
    linked + rest
}

fn link(word: &str) -> Option<String> {
    let page =
        |word: &str| word.strip_prefix("docs/").filter(|page| page.ends_with(".md")).map(ToOwned::to_owned);
    let number = |letter: &str| {
        let digits = word.strip_prefix(letter)?;
        (!digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())).then_some(digits)
    };
    if let Some(digits) = number("#") {
        return Issue::try_from(format!("{USUAL}#{digits}")).ok().map(|issue| issue.url());
    }
    if let Ok(issue) = Issue::try_from(word.to_owned()) {
        return Some(issue.url());
    }
    if number("F").is_some() {
        return Some("findings.md".to_owned());
    }
    if MUTANTS.iter().any(|mutant| mutant.id == word) {
        return Some("mutants.md".to_owned());
    }
    // A word without a hyphen may be an ordinary one.
    if word.contains('-') && is_scenario(word) {
        return Some(format!("#{word}"));
    }
    page(word)
}

fn is_scenario(word: &str) -> bool {
    catalogue::FILES.iter().any(|(name, _)| *name == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_linked() {
        insta::assert_snapshot!(
            linked("As in delayed-create (pingcap/ticdc#5083, #5435): F1 in docs/findings.md, B2. See `young-table`, `F1` and docs/findings.md..."),
            @"As in [delayed-create](#delayed-create) ([pingcap/ticdc#5083](https://github.com/pingcap/ticdc/issues/5083), [#5435](https://github.com/pingcap/ticdc/issues/5435)): [F1](findings.md), [B2](mutants.md). See [`young-table`](#young-table), `F1` and [docs/findings.md](findings.md)..."
        );
        for plain in ["", ".", "# Fx F M 1.5 #", "everything", "a/b", "e@1026 … – ü."] {
            assert_eq!(linked(plain), plain);
        }
    }

    #[test]
    fn headings_have_anchors() {
        assert_eq!(anchor("General scenarios: a seed draws"), "general-scenarios-a-seed-draws");
        assert_eq!(anchor("DDLs and table triggers"), "ddls-and-table-triggers");
    }
}
