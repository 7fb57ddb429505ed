//! Virtual time: integer nanoseconds, as points and as lengths.

use std::{
    fmt,
    ops::{Add, AddAssign, Sub},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in virtual time: nanoseconds since the start of the run.
///
/// Prints as seconds, `12.034567s`, with as many decimals as it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

/// A length of virtual time in nanoseconds.
///
/// Prints and parses as a number and a unit: `1.5s`, `250ms`, `3us`, `17ns`, `2m`, `1h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

impl Instant {
    /// When every run begins.
    pub const START: Instant = Instant(0);
    /// Later than every event.
    pub const NEVER: Instant = Instant(u64::MAX);

    /// The point `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Instant {
        Instant(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the start.
    pub const fn millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The length from `earlier` to here, zero if `earlier` is later.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }

    /// The first point of the grid `0, period, 2 period, …` that is later than this one.
    pub const fn next_on_grid(self, period: Duration) -> Instant {
        Instant((self.0 / period.0 + 1) * period.0)
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);
    /// One second.
    pub const SECOND: Duration = Duration::from_secs(1);

    /// A length of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Duration {
        Duration(nanos)
    }

    /// A length of `micros` microseconds.
    pub const fn from_micros(micros: u64) -> Duration {
        Duration(micros * 1_000)
    }

    /// A length of `millis` milliseconds.
    pub const fn from_millis(millis: u64) -> Duration {
        Duration(millis * 1_000_000)
    }

    /// A length of `secs` seconds.
    pub const fn from_secs(secs: u64) -> Duration {
        Duration(secs * 1_000_000_000)
    }

    /// The length in nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The length in whole milliseconds.
    pub const fn millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The length divided by `parts`.
    pub const fn split(self, parts: u64) -> Duration {
        Duration(self.0 / parts)
    }

    /// The length times `count`.
    pub const fn times(self, count: u64) -> Duration {
        Duration(self.0.saturating_mul(count))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, length: Duration) -> Instant {
        Instant(self.0.saturating_add(length.0))
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;
    fn sub(self, length: Duration) -> Instant {
        Instant(self.0.saturating_sub(length.0))
    }
}

impl Add for Duration {
    type Output = Duration;
    fn add(self, other: Duration) -> Duration {
        Duration(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Duration {
    fn add_assign(&mut self, other: Duration) {
        *self = *self + other;
    }
}

impl Sub for Duration {
    type Output = Duration;
    fn sub(self, other: Duration) -> Duration {
        Duration(self.0.saturating_sub(other.0))
    }
}

/// Writes `value / 10^places` without trailing zeros, in integers.
fn decimal(f: &mut fmt::Formatter<'_>, value: u64, places: u32, unit: &str) -> fmt::Result {
    let one = 10_u64.pow(places);
    let (whole, mut rest) = (value / one, value % one);
    let mut width = places as usize;
    while rest > 0 && rest.is_multiple_of(10) {
        rest /= 10;
        width -= 1;
    }
    if rest == 0 { write!(f, "{whole}{unit}") } else { write!(f, "{whole}.{rest:0width$}{unit}") }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal(f, self.0, 9, "s")
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0s"),
            nanos if nanos >= 1_000_000_000 => decimal(f, nanos, 9, "s"),
            nanos if nanos >= 1_000_000 => decimal(f, nanos, 6, "ms"),
            nanos if nanos >= 1_000 => decimal(f, nanos, 3, "us"),
            nanos => write!(f, "{nanos}ns"),
        }
    }
}

const UNITS: [(&str, u64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Duration, String> {
        let wrong =
            || format!("`{text}` is no length of time; write a number and a unit, such as 250ms, 1.5s or 2m");
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, unit) = text.split_at(digits);
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(wrong)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let mut nanos = whole.parse::<u64>().ok().and_then(|n| n.checked_mul(*unit)).ok_or_else(wrong)?;
        let mut part = *unit;
        for digit in fraction.bytes() {
            if !digit.is_ascii_digit() {
                return Err(wrong());
            }
            if !part.is_multiple_of(10) {
                return Err(format!("`{text}` is finer than a nanosecond"));
            }
            part /= 10;
            nanos = nanos.checked_add(u64::from(digit - b'0') * part).ok_or_else(wrong)?;
        }
        Ok(Duration(nanos))
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_print_as_they_parse() {
        for text in ["0s", "17ns", "3us", "250ms", "1.5s", "1.000000001s", "90s"] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), text);
        }
        assert_eq!("2m".parse::<Duration>().unwrap(), Duration::from_secs(120));
    }

    #[test]
    fn nonsense_is_named() {
        for text in ["", "5", "s", "5 parsecs", "1.5ns", "99999999999999999999s", "1.2.3s", "-1s"] {
            let message = text.parse::<Duration>().unwrap_err();
            assert!(message.contains(text), "{message}");
        }
    }

    #[test]
    fn the_grid_is_strictly_ahead() {
        let grid = Duration::from_millis(50);
        assert_eq!(Instant::START.next_on_grid(grid), Instant::from_nanos(50_000_000));
        assert_eq!(Instant::from_nanos(50_000_000).next_on_grid(grid), Instant::from_nanos(100_000_000));
    }
}
