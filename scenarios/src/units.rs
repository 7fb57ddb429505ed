//! Values as they are written in scenario files: ranges of lengths, shares, numbers that a seed picks.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de};
use sim::{Draws, Duration};

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Length(pub(crate) Duration);

/// Nothing in a scenario takes longer than a day: a run has to end, and sums of lengths have to fit.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A length, or the range from which one is taken: `5s` or `200us..3ms`, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration, pub(crate) Duration);

/// A share: `2%`, `0.5%`, `40ppm`, `0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) per_million: u32,
}

/// A number, or the range from which a seed picks one: `6` or `"1..17"`, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nth(pub(crate) u64, pub(crate) u64);

impl Span {
    pub(crate) fn draw(self, draws: &mut Draws) -> Duration {
        draws.between(self.0, self.1)
    }
}

impl Nth {
    pub(crate) fn draw(self, draws: &mut Draws) -> u64 {
        self.0 + draws.below(self.1 - self.0 + 1)
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Length, String> {
        let length: Duration = text.parse()?;
        if length > LONGEST {
            return Err(format!("`{text}` is too long; nothing in a scenario takes longer than 24h"));
        }
        Ok(Length(length))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let (Length(from), Length(to)) = (from.trim().parse()?, to.trim().parse()?);
        if from > to {
            return Err(format!("`{text}` is an empty range: {from} is more than {to}"));
        }
        Ok(Span(from, to))
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let wrong = || format!("`{text}` is no share; write one such as 2%, 0.5% or 40ppm, at most 100%");
        let (number, decimals) = match text.trim() {
            "0" => ("0", 4),
            text => match (text.strip_suffix('%'), text.strip_suffix("ppm")) {
                (Some(percent), _) => (percent.trim(), 4),
                (_, Some(parts)) => (parts.trim(), 0),
                (None, None) => return Err(wrong()),
            },
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > decimals {
            return Err(wrong());
        }
        let per_million: u32 = format!("{whole}{fraction:0<decimals$}").parse().map_err(|_| wrong())?;
        if per_million > 1_000_000 { Err(wrong()) } else { Ok(Share { per_million }) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == self.1 { self.0.fmt(f) } else { write!(f, "{}..{}", self.0, self.1) }
    }
}

macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

as_text!(Length, Span, Share);

impl<'de> Deserialize<'de> for Nth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Nth, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Nth;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number from 1 on, or a range such as \"1..17\"")
            }

            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Nth, E> {
                let n = u64::try_from(n).map_err(|_| E::invalid_value(de::Unexpected::Signed(n), &self))?;
                self.visit_u64(n)
            }

            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Nth, E> {
                if n == 0 { Err(E::invalid_value(de::Unexpected::Unsigned(n), &self)) } else { Ok(Nth(n, n)) }
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Nth, E> {
                let wrong = || E::invalid_value(de::Unexpected::Str(text), &self);
                let (from, to) = text.split_once("..").ok_or_else(wrong)?;
                match (from.trim().parse().ok(), to.trim().parse().ok()) {
                    (Some(from), Some(to)) if 0 < from && from <= to => Ok(Nth(from, to)),
                    _ => Err(wrong()),
                }
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_exactly() {
        for (text, per_million) in
            [("0", 0), ("2%", 20_000), ("0.5%", 5_000), ("100%", 1_000_000), ("40ppm", 40)]
        {
            assert_eq!(text.parse::<Share>().unwrap(), Share { per_million });
        }
        for text in ["", "2", "%", "101%", "-1%", "0.00001%", "1.5ppm", "two%"] {
            assert!(text.parse::<Share>().unwrap_err().contains("is no share"), "{text}");
        }
    }

    #[test]
    fn ranges_are_not_empty() {
        assert_eq!("200us..3ms".parse::<Span>().unwrap().to_string(), "200us..3ms");
        assert_eq!("5s".parse::<Span>().unwrap().to_string(), "5s");
        assert!("3ms..200us".parse::<Span>().unwrap_err().contains("empty range"));
        assert!("3..4".parse::<Span>().unwrap_err().contains("no length of time"));
    }
}
