//! Shards: all work in so many parts, by its place.

use std::{fmt, str::FromStr};

/// One of so many parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which one, from 1.
    pub index: u64,
    /// Of how many.
    pub total: u64,
}

impl Shard {
    /// Everything.
    pub const WHOLE: Shard = Shard { index: 1, total: 1 };

    /// The `index`-th of `total` parts, from 1.
    pub fn new(index: u64, total: u64) -> Result<Shard, String> {
        if (1..=total).contains(&index) {
            return Ok(Shard { index, total });
        }
        Err(format!("there is no shard {index} of {total}; the first is 1/{total}, the last {total}/{total}"))
    }

    /// Whether it has the work at this place, from 0.
    pub fn has(self, place: u64) -> bool {
        place % self.total == self.index - 1
    }

    /// Whether it is only a part.
    pub fn is_part(self) -> bool {
        self.total > 1
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let form = || "write a shard as 2/4: the second of four".to_owned();
        let (index, total) = text.split_once('/').ok_or_else(form)?;
        let number = |text: &str| text.trim().parse().map_err(|_| form());
        Shard::new(number(index)?, number(total)?)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_in_one_shard() {
        let shards: Vec<Shard> = (1..=4).map(|n| format!("{n}/4").parse().unwrap()).collect();
        for place in 0..100 {
            assert_eq!(shards.iter().filter(|shard| shard.has(place)).count(), 1);
        }
        assert!((0..100).all(|place| Shard::WHOLE.has(place)));
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for (text, what) in [
            ("4", "write a shard as 2/4: the second of four"),
            ("a/4", "write a shard as 2/4: the second of four"),
            ("0/4", "there is no shard 0 of 4; the first is 1/4, the last 4/4"),
            ("5/4", "there is no shard 5 of 4; the first is 1/4, the last 4/4"),
        ] {
            assert_eq!(text.parse::<Shard>(), Err(what.to_owned()));
        }
    }
}
