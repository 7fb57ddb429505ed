//! A running 64-bit digest of everything that happened.

use std::hash::Hasher;

/// Folds integers, one multiplication each; equal runs have equal digests on every machine and build.
///
/// It is a [`Hasher`] whose results are part of the format: integers of every width fold as one 64-bit word, so the
/// width of `usize` does not matter. Not made to withstand an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

impl Default for Digest {
    /// The digest of nothing. Not zero, which would swallow zeros.
    fn default() -> Digest {
        Digest(MULTIPLIER)
    }
}

impl Digest {
    /// Folds one word.
    #[inline]
    pub fn fold(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER);
    }

    /// The digest of what was folded so far, its bits mixed.
    pub fn value(self) -> u64 {
        mix(self.0)
    }
}

/// Spreads every input bit over the output (the finaliser of splitmix64).
pub(crate) fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.value()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.fold(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_u8(&mut self, word: u8) {
        self.fold(word.into());
    }

    #[inline]
    fn write_u16(&mut self, word: u16) {
        self.fold(word.into());
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.fold(word.into());
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.fold(word);
    }

    #[inline]
    fn write_u128(&mut self, word: u128) {
        self.fold(word as u64);
        self.fold((word >> 64) as u64);
    }

    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.fold(word as u64);
    }

    #[inline]
    fn write_i8(&mut self, word: i8) {
        self.fold(i64::from(word).cast_unsigned());
    }

    #[inline]
    fn write_i16(&mut self, word: i16) {
        self.fold(i64::from(word).cast_unsigned());
    }

    #[inline]
    fn write_i32(&mut self, word: i32) {
        self.fold(i64::from(word).cast_unsigned());
    }

    #[inline]
    fn write_i64(&mut self, word: i64) {
        self.fold(word.cast_unsigned());
    }

    #[inline]
    fn write_isize(&mut self, word: isize) {
        self.fold((word as i64).cast_unsigned());
    }
}

#[cfg(test)]
mod tests {
    use std::hash::Hash;

    use super::*;

    fn digest(value: impl Hash) -> u64 {
        let mut digest = Digest::default();
        value.hash(&mut digest);
        digest.value()
    }

    #[test]
    fn order_and_value_matter() {
        assert_ne!(digest((1_u8, 2_u8)), digest((2_u8, 1_u8)));
        assert_ne!(digest(0_u64), digest((0_u64, 0_u64)));
        assert_ne!(digest("ab"), digest(("a", "b")));
    }

    #[test]
    fn the_width_of_an_integer_does_not() {
        assert_eq!(digest(7_u8), digest(7_usize));
        assert_eq!(digest(-7_i8), digest(-7_isize));
    }

    #[test]
    fn the_values_are_part_of_the_format() {
        insta::assert_snapshot!(format!("{:016x}", digest([1_u64, 2, 3].as_slice())), @"8916ba3b6ad79ea6");
    }
}
