//! How messages, timers and notes are declared and how they print: a name, then what they carry.

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::hear::{Hear, Unheard, Words};

/// Prints itself as a part of a line; most values tell by a letter what they are, others need their field's name.
pub(crate) trait Say {
    /// Writes a space and the value, or nothing if there is nothing to say.
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl Say for bool {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self { write!(f, " {field}") } else { Ok(()) }
    }
}

impl Say for u64 {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {field}={self}")
    }
}

impl Say for u32 {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {field}={self}")
    }
}

impl Say for sim::Duration {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {field}={self}")
    }
}

impl Say for &'static str {
    fn say(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " `{self}`")
    }
}

impl<T: Say> Say for Option<T> {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().map_or(Ok(()), |value| value.say(field, f))
    }
}

impl<T: Say + ?Sized> Say for Box<T> {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).say(field, f)
    }
}

fn say_all<'a, T: Say + 'a>(
    values: impl ExactSizeIterator<Item = &'a T>,
    field: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    if values.len() == 0 {
        return Ok(());
    }
    write!(f, " {field}:")?;
    for (n, value) in values.enumerate() {
        if n > 0 {
            f.write_str(",")?;
        }
        value.say("", f)?;
    }
    Ok(())
}

impl<T: Say> Say for Vec<T> {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        say_all(self.iter(), field, f)
    }
}

impl<T: Say> Say for BTreeSet<T> {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        say_all(self.iter(), field, f)
    }
}

/// Values that are one word of a line, so that they can stand in an item of a list: `tables=t1+t2`; nothing if there are
/// none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Joined<T>(pub Vec<T>);

/// Writes values as one word.
pub(crate) fn say_joined<T: fmt::Display>(
    values: &[T],
    field: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (n, value) in values.iter().enumerate() {
        if n == 0 { write!(f, " {field}={value}")? } else { write!(f, "+{value}")? }
    }
    Ok(())
}

impl<T: fmt::Display> Say for Joined<T> {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        say_joined(&self.0, field, f)
    }
}

impl<T: FromStr> Hear for Joined<T> {
    fn hear(field: &str, words: &mut Words) -> Result<Joined<T>, Unheard> {
        let values = words.next(|word| word.strip_prefix(field)?.strip_prefix('='));
        let parsed = values.map_or(Ok(Vec::new()), |values| values.split('+').map(str::parse).collect());
        parsed.map(Joined).map_err(|_: T::Err| format!("{field} is no list such as {field}=a+b"))
    }
}

/// Lets types that print with their letter be said. They are not read again.
macro_rules! say {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::vocabulary::Say for $type {
            fn say(&self, _: &str, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, " {self}")
            }
        }

        $crate::vocabulary::unheard!($type);
    )*};
}

/// Types that are not read out of text: lines with them can be printed, not written.
macro_rules! unheard {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::hear::Hear for $type {
            fn hear(field: &str, _: &mut $crate::hear::Words) -> Result<$type, $crate::hear::Unheard> {
                Err(format!("{field} cannot be written in a line"))
            }
        }
    )*};
}

/// Lets types that print with their letter be said and read.
macro_rules! heard {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::vocabulary::Say for $type {
            fn say(&self, _: &str, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, " {self}")
            }
        }

        impl $crate::hear::Hear for $type {
            fn hear(field: &str, words: &mut $crate::hear::Words) -> Result<$type, $crate::hear::Unheard> {
                $crate::hear::hear_word(field, words)
            }
        }
    )*};
}

/// Enums that print as words, and are read as those.
macro_rules! words {
    ($($type:ident { $($variant:ident => $word:literal),* $(,)? })*) => {$(
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $($type::$variant => $word),* })
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(word: &str) -> Result<$type, String> {
                match word {
                    $($word => Ok($type::$variant),)*
                    _ => Err([$(concat!("`", $word, "`")),*].join(" or ")),
                }
            }
        }

        $crate::vocabulary::heard!($type);
    )*};
}

/// Declares a struct that prints as its fields.
macro_rules! spoken {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* pub $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name { $($(#[$doc])* pub $field: $type),* }

        impl $crate::vocabulary::Say for $name {
            fn say(&self, _: &str, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $($crate::vocabulary::Say::say(&self.$field, stringify!($field), f)?;)*
                Ok(())
            }
        }

        impl $name {
            /// How it is written: its fields with their types.
            pub const FORM: &'static str = concat!($(stringify!($field), ": ", stringify!($type), "; "),*);
        }

        impl $crate::hear::Hear for $name {
            fn hear(_: &str, words: &mut $crate::hear::Words) -> Result<$name, $crate::hear::Unheard> {
                Ok($name { $($field: $crate::hear::Hear::hear(stringify!($field), words)?),* })
            }
        }
    };
}

/// Declares an enum each of whose variants has a kind of its own and prints as its name and fields.
macro_rules! vocabulary {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$doc:meta])* $variant:ident $({ $($(#[$fdoc:meta])* $field:ident: $type:ty),* $(,)? })?),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "a variant says what it means; its fields are named as in the real system")]
        pub enum $name { $($(#[$doc])* $variant $({ $($(#[$fdoc])* $field: $type),* })?),* }

        impl sim::Kind for $name {
            const KINDS: usize = [$(stringify!($variant)),*].len();

            fn kind(&self) -> usize {
                #[allow(non_camel_case_types, clippy::enum_variant_names, reason = "only counted")]
                enum Number { $($variant),* }
                match self { $($name::$variant { .. } => Number::$variant as usize),* }
            }

            fn name(kind: usize) -> &'static str {
                [$(stringify!($variant)),*][kind]
            }
        }

        impl $name {
            /// How its lines are written: each name, and its fields with their types.
            pub const FORMS: &'static [&'static str] = &[$(
                concat!(stringify!($variant) $($(, " ", stringify!($field), ": ", stringify!($type), ";")*)?)
            ),*];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(<$name as sim::Kind>::name(sim::Kind::kind(self)))?;
                match self {
                    $($name::$variant $({ $($field),* })? => {
                        $($($crate::vocabulary::Say::say($field, stringify!($field), f)?;)*)?
                        Ok(())
                    })*
                }
            }
        }

        impl $crate::hear::Hear for $name {
            fn hear(what: &str, words: &mut $crate::hear::Words) -> Result<$name, $crate::hear::Unheard> {
                $(if words.next(|word| (word == stringify!($variant)).then_some(())).is_some() {
                    return Ok($name::$variant $({
                        $($field: $crate::hear::Hear::hear(stringify!($field), words)?),*
                    })?);
                })*
                Err(words.wrong(what, concat!("one of " $(, "`", stringify!($variant), "` ")*)))
            }
        }
    };
}

/// Declares an enum of vocabularies: the kinds of all of them, one after the other.
macro_rules! vocabularies {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident($inner:ty)),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant($inner)),* }

        impl $name {
            /// Where the kinds of each vocabulary begin.
            const FIRST: &'static [usize] = &{
                const COUNTS: &[usize] = &[$(<$inner as sim::Kind>::KINDS),*];
                let mut first = [0; COUNTS.len() + 1];
                let mut n = 0;
                while n < COUNTS.len() {
                    first[n + 1] = first[n] + COUNTS[n];
                    n += 1;
                }
                first
            };
        }

        impl sim::Kind for $name {
            const KINDS: usize = $name::FIRST[$name::FIRST.len() - 1];

            #[inline]
            fn kind(&self) -> usize {
                enum Number { $($variant),* }
                match self {
                    $($name::$variant(inner) => {
                        const FIRST: usize = $name::FIRST[Number::$variant as usize];
                        FIRST + sim::Kind::kind(inner)
                    })*
                }
            }

            fn name(kind: usize) -> &'static str {
                enum Number { $($variant),* }
                $(
                    let first = $name::FIRST[Number::$variant as usize];
                    if kind >= first && kind < first + <$inner as sim::Kind>::KINDS {
                        return <$inner as sim::Kind>::name(kind - first);
                    }
                )*
                panic!("{kind} is no kind of {}", stringify!($name))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self { $($name::$variant(inner) => inner.fmt(f)),* }
            }
        }

        $(impl From<$inner> for $name {
            fn from(inner: $inner) -> $name {
                $name::$variant(inner)
            }
        })*

        impl $name {
            /// What a line may mean, as it stands in traces: once for each vocabulary that has the word.
            pub fn hear(line: &str) -> Vec<Result<$name, String>> {
                use {sim::Kind as _, $crate::hear::Hear as _};
                let mut meanings = Vec::new();
                let word = line.split_whitespace().next().unwrap_or_default();
                $(if (0..<$inner>::KINDS).any(|kind| <$inner>::name(kind) == word) {
                    let mut words = $crate::hear::Words::of(line);
                    let heard = <$inner>::hear("a name", &mut words);
                    meanings.push(heard.and_then(|heard| words.end().map(|()| $name::$variant(heard))));
                })*
                meanings
            }
        }
    };
}

pub(crate) use {heard, say, spoken, unheard, vocabularies, vocabulary, words};
