//! The lives of operators, for whoever watches: none begins while another one for the same thing is alive, and each ends once. And
//! what has changed since somebody looked last.
//!
//! Nobody who takes part in the protocol asks this.

use std::collections::{BTreeMap, VecDeque};

/// What is wrong with the life of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misery {
    /// It has begun while another one was alive.
    Second,
    /// It has taken its last action more than once.
    EndedTwice,
}

/// Which operators are alive, by their numbers, and the first thing of each kind that was wrong.
#[derive(Clone, Debug)]
pub(crate) struct Lives<K> {
    alive: BTreeMap<u64, K>,
    second: Option<K>,
    ended_twice: Option<K>,
}

impl<K> Default for Lives<K> {
    fn default() -> Lives<K> {
        Lives { alive: BTreeMap::new(), second: None, ended_twice: None }
    }
}

impl<K: Copy + PartialEq> Lives<K> {
    pub(crate) fn begins(&mut self, number: u64, of: K) {
        if self.second.is_none() && self.alive.values().any(|one| *one == of) {
            self.second = Some(of);
        }
        self.alive.insert(number, of);
    }

    /// It takes its last action.
    pub(crate) fn ends(&mut self, number: u64, of: K) {
        if self.alive.remove(&number).is_none() && self.ended_twice.is_none() {
            self.ended_twice = Some(of);
        }
    }

    /// It is dropped as it is.
    pub(crate) fn forget(&mut self, number: u64) {
        self.alive.remove(&number);
    }

    /// What is wrong, and of whose operators.
    pub(crate) fn miseries(&self) -> impl Iterator<Item = (K, Misery)> {
        let second = self.second.map(|of| (of, Misery::Second));
        second.into_iter().chain(self.ended_twice.map(|of| (of, Misery::EndedTwice)))
    }
}

/// What has changed last, and how often something has: whoever has looked before has to look at that only.
#[derive(Clone, Debug)]
pub(crate) struct Touched<K> {
    count: u64,
    last: VecDeque<K>,
}

/// So many changes are remembered.
const REMEMBERED: usize = 32;

impl<K> Default for Touched<K> {
    fn default() -> Touched<K> {
        Touched { count: 0, last: VecDeque::new() }
    }
}

impl<K: Copy> Touched<K> {
    pub(crate) fn push(&mut self, what: K) {
        self.count += 1;
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back(what);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// What has changed since there were so many changes; none: more than is remembered.
    pub(crate) fn since(&self, count: u64) -> Option<impl Iterator<Item = K>> {
        let new = self.count.checked_sub(count).and_then(|new| usize::try_from(new).ok());
        let new = new.filter(|new| *new <= self.last.len())?;
        Some(self.last.iter().skip(self.last.len() - new).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered() {
        let mut touched = Touched::default();
        (0..40).for_each(|n| touched.push(n));
        let since = |count| touched.since(count).map(Iterator::collect::<Vec<i32>>);
        assert_eq!(since(40), Some(Vec::new()));
        assert_eq!(since(37), Some(vec![37, 38, 39]));
        assert_eq!(since(8).map(|all| all.len()), Some(32));
        assert_eq!(since(7), None);
    }

    #[test]
    fn one_after_the_other() {
        let mut lives = Lives::default();
        lives.begins(1, 'a');
        lives.begins(2, 'b');
        lives.ends(1, 'a');
        lives.begins(3, 'a');
        lives.forget(3);
        lives.begins(4, 'a');
        assert_eq!(lives.miseries().next(), None);
        lives.begins(5, 'a');
        lives.ends(2, 'b');
        lives.ends(2, 'b');
        let found: Vec<_> = lives.miseries().collect();
        assert_eq!(found, [('a', Misery::Second), ('b', Misery::EndedTwice)]);
    }
}
