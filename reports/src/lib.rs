//! What a run came to: as text, as a story of causes, as JSON.
//!
//! A report sees outcomes and traces, never how a run is made. Text carries ANSI styles, which whoever prints it strips
//! where they are not wanted; a style never says what the words do not.

pub mod bench;
pub mod catalogue;
pub mod diff;
pub mod gate;
pub mod hunt;
pub mod invariants;
pub mod json;
mod links;
pub mod matrix;
pub mod shrink;
mod style;
pub mod summary;
pub mod table;
pub mod trace;
pub mod why;

/// The line that replays a run, ready to be pasted.
pub fn replay_line(scenario: &str, policy: &str, seed: &str) -> String {
    format!("cdcsim replay {} --policy {} --seed {seed}", quoted(scenario), quoted(policy))
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./+=,:@%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_line_survives_a_shell() {
        assert_eq!(replay_line("a/b.toml", "master", "7"), "cdcsim replay a/b.toml --policy master --seed 7");
        assert_eq!(replay_line("my file.toml", "x", "7"), "cdcsim replay 'my file.toml' --policy x --seed 7");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
