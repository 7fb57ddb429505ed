//! The inverse of [`crate::vocabulary::Say`]: messages out of lines of text, as they stand in traces.
//!
//! Most values tell by their letter what they are, so a line is read word by word. What is optional may be left out.

use std::{collections::BTreeSet, str::FromStr};

/// The words of a line, and how many have been read.
pub(crate) struct Words<'a> {
    words: Vec<&'a str>,
    read: usize,
}

/// Why a line means nothing.
pub(crate) type Unheard = String;

/// Is read out of a part of a line.
pub(crate) trait Hear: Sized {
    /// Reads the value of a field from the next words.
    fn hear(field: &str, words: &mut Words) -> Result<Self, Unheard>;
}

impl<'a> Words<'a> {
    /// Words are parted by spaces. A comma is a word, and so is anything between backticks, together with them.
    pub(crate) fn of(line: &'a str) -> Words<'a> {
        let (mut words, mut rest) = (Vec::new(), line.trim());
        while let Some(first) = rest.chars().next() {
            let end = match first {
                ',' => 1,
                '`' => rest[1..].find('`').map_or(rest.len(), |end| end + 2),
                _ => rest.find([' ', ',', '`']).unwrap_or(rest.len()),
            };
            words.push(&rest[..end]);
            rest = rest[end..].trim_start();
        }
        Words { words, read: 0 }
    }

    /// The next word, if it is what the reader takes it for.
    pub(crate) fn next<T>(&mut self, take: impl FnOnce(&'a str) -> Option<T>) -> Option<T> {
        let taken = self.words.get(self.read).copied().and_then(take);
        self.read += usize::from(taken.is_some());
        taken
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), Unheard> {
        match self.words.get(self.read) {
            Some(word) => Err(format!("`{word}` has no place here")),
            None => Ok(()),
        }
    }

    /// What to say when a field is missing or wrong.
    pub(crate) fn wrong(&self, field: &str, example: &str) -> Unheard {
        let found = self.words.get(self.read).map_or("the end".to_owned(), |word| format!("`{word}`"));
        format!("{field} is missing; there is {found} where {example} would be right")
    }
}

/// A value that is one word.
pub(crate) fn hear_word<T: FromStr>(field: &str, words: &mut Words) -> Result<T, Unheard>
where
    T::Err: std::fmt::Display,
{
    // What has no value at all says what would be right, too.
    let mut right = T::from_str("").map_or_else(|error| error.to_string(), |_| "a value".to_owned());
    let value = words.next(|word| word.parse().map_err(|error: T::Err| right = error.to_string()).ok());
    value.ok_or_else(|| words.wrong(field, &right))
}

/// A value that follows the name of its field: `seq=7`.
fn hear_named<T: FromStr>(field: &str, words: &mut Words) -> Result<T, Unheard> {
    let value = words.next(|word| word.strip_prefix(field)?.strip_prefix('=')?.parse().ok());
    value.ok_or_else(|| words.wrong(field, &format!("`{field}=…`")))
}

/// Values that follow the name of their field: `spans: a, b`. Without the name there are none.
fn hear_all<T: Hear, C: FromIterator<T>>(field: &str, words: &mut Words) -> Result<C, Unheard> {
    let mut values = Vec::new();
    let mut more = words.next(|word| (word.strip_suffix(':') == Some(field)).then_some(())).is_some();
    while more {
        values.push(T::hear("", words)?);
        more = words.next(|word| (word == ",").then_some(())).is_some();
    }
    Ok(values.into_iter().collect())
}

impl Hear for bool {
    fn hear(field: &str, words: &mut Words) -> Result<bool, Unheard> {
        Ok(words.next(|word| (word == field).then_some(())).is_some())
    }
}

impl Hear for u64 {
    fn hear(field: &str, words: &mut Words) -> Result<u64, Unheard> {
        hear_named(field, words)
    }
}

impl Hear for u32 {
    fn hear(field: &str, words: &mut Words) -> Result<u32, Unheard> {
        hear_named(field, words)
    }
}

impl Hear for sim::Duration {
    fn hear(field: &str, words: &mut Words) -> Result<sim::Duration, Unheard> {
        hear_named(field, words)
    }
}

impl Hear for &'static str {
    /// The text lives as long as the program: phrases are few, and only tests write them.
    fn hear(field: &str, words: &mut Words) -> Result<&'static str, Unheard> {
        let text = words.next(|word| word.strip_prefix('`')?.strip_suffix('`'));
        text.map(|text| &*Box::leak(text.to_owned().into_boxed_str()))
            .ok_or_else(|| words.wrong(field, "a phrase between backticks"))
    }
}

impl<T: Hear> Hear for Option<T> {
    fn hear(field: &str, words: &mut Words) -> Result<Option<T>, Unheard> {
        let before = words.read;
        let value = T::hear(field, words).ok();
        if value.is_none() {
            words.read = before;
        }
        Ok(value)
    }
}

impl<T: Hear> Hear for Box<T> {
    fn hear(field: &str, words: &mut Words) -> Result<Box<T>, Unheard> {
        T::hear(field, words).map(Box::new)
    }
}

impl<T: Hear> Hear for Vec<T> {
    fn hear(field: &str, words: &mut Words) -> Result<Vec<T>, Unheard> {
        hear_all(field, words)
    }
}

impl<T: Hear + Ord> Hear for BTreeSet<T> {
    fn hear(field: &str, words: &mut Words) -> Result<BTreeSet<T>, Unheard> {
        hear_all(field, words)
    }
}
