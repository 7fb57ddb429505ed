//! Coverage: which behaviour of the model a run has shown.
//!
//! Three kinds of things are counted: an actor that handles a kind of input and says a kind of thing; two kinds of inputs that one
//! actor handles one after the other; three kinds of notes that follow each other in the cluster. Each is hashed to one of
//! 65,536 places.

use model::{Record, Timer};
use sim::{Input, Kind as _, What};

/// The places that a run, or many, have reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Coverage {
    places: Vec<u64>,
}

const PLACES: u64 = 1 << 16;

impl Default for Coverage {
    fn default() -> Coverage {
        Coverage { places: vec![0; (PLACES / 64) as usize] }
    }
}

impl std::fmt::Debug for Coverage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} places", self.count())
    }
}

impl Coverage {
    /// How many places have been reached.
    pub fn count(&self) -> u32 {
        self.places.iter().map(|word| word.count_ones()).sum()
    }

    /// Adds what another one has reached, and tells how much of that is new.
    pub fn add(&mut self, other: &Coverage) -> u32 {
        let mut new = 0;
        for (mine, theirs) in self.places.iter_mut().zip(&other.places) {
            new += (theirs & !*mine).count_ones();
            *mine |= theirs;
        }
        new
    }

    fn reach(&mut self, place: u64) {
        let place = mixed(place) % PLACES;
        self.places[(place / 64) as usize] |= 1 << (place % 64);
    }
}

/// Reaches places as records come.
#[derive(Default)]
pub(crate) struct Covering {
    coverage: Coverage,
    /// By actor, the last input.
    last: Vec<u64>,
    notes: [u64; 2],
}

impl Covering {
    pub(crate) fn see(&mut self, record: &Record) {
        let What::Step { actor, input } = &record.what else { return };
        let index = sim::Address::index(*actor);
        // Actors of one part are alike: the lowest bits of an index tell the part.
        let part = part(actor);
        let input = match input {
            Input::Start => 1,
            Input::Message { msg, .. } => 1_000 + msg.kind() as u64,
            Input::Alarm(timer) => 2_000 + Timer::kind(timer) as u64,
            Input::Command(_) => 2,
        };
        if self.last.len() <= index {
            self.last.resize(index + 1, 0);
        }
        let before = std::mem::replace(&mut self.last[index], input);
        self.coverage.reach(1 << 60 | part << 40 | before << 20 | input);
        for note in &record.notes {
            let note = note.kind() as u64;
            self.coverage.reach(2 << 60 | part << 40 | input << 20 | note);
            self.coverage.reach(3 << 60 | self.notes[0] << 40 | self.notes[1] << 20 | note);
            self.notes = [self.notes[1], note];
        }
    }

    pub(crate) fn done(self) -> Coverage {
        self.coverage
    }
}

fn part(actor: &model::Addr) -> u64 {
    match actor {
        model::Addr::Node(_, part) => 10 + *part as u64,
        model::Addr::Etcd => 1,
        model::Addr::Pd => 2,
        model::Addr::Upstream => 3,
        model::Addr::Sink => 4,
    }
}

fn mixed(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
