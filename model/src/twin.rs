//! What is there only where redo is on. Without redo it says nothing.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

use crate::{
    Mode,
    hear::{Hear, Unheard, Words},
    vocabulary::Say,
};

/// What the redo twin of something has, as one word: `redo=d2@n1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Twin<T>(pub Option<T>);

impl<T> Default for Twin<T> {
    fn default() -> Twin<T> {
        Twin(None)
    }
}

/// Whether something is of the redo twin: `redo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct IsRedo(pub bool);

impl IsRedo {
    /// What is of this mode.
    pub fn of(mode: Mode) -> IsRedo {
        IsRedo(mode == Mode::Redo)
    }

    /// The mode.
    pub fn mode(self) -> Mode {
        if self.0 { Mode::Redo } else { Mode::Default }
    }
}

impl<T: Display> Say for Twin<T> {
    fn say(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |value| write!(f, " redo={value}"))
    }
}

impl Say for IsRedo {
    fn say(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 { f.write_str(" redo") } else { Ok(()) }
    }
}

impl<T: FromStr> Hear for Twin<T> {
    fn hear(field: &str, words: &mut Words) -> Result<Twin<T>, Unheard> {
        let value = words.next(|word| word.strip_prefix("redo=")).map(str::parse);
        value.transpose().map(Twin).map_err(|_: T::Err| format!("{field} is not what `redo=…` says"))
    }
}

impl Hear for IsRedo {
    fn hear(_: &str, words: &mut Words) -> Result<IsRedo, Unheard> {
        Ok(IsRedo(words.next(|word| (word == "redo").then_some(())).is_some()))
    }
}
