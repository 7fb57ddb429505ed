//! Delay-bounded search: the weather as it is drawn, and one to three messages are very late. It is the strategy for stale
//! messages.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use sim::{Decision, DecisionAddress, Decisions, Draws, Duration, Instant, Seed};

use super::Strategy;
use crate::{Case, PolicySpec, Scenario, run::decided};

/// Addresses of messages, by their streams.
type Streams = Arc<Vec<Vec<DecisionAddress>>>;

/// Seeds in groups: the messages that the run of the first one has serve all seeds of a group, each under its own weather. A
/// message that another seed's run does not have is late for nobody.
#[derive(Default)]
pub(super) struct Late {
    /// What has been found out about the last groups. A memory, and nothing else: everything in it can be found out again.
    known: Mutex<BTreeMap<(String, String, u64), Streams>>,
}

/// So many seeds share the messages of one run.
const GROUP: u64 = 16;
/// What comes more often than this in one stream is periodic: the next one makes up for a late one.
const RARE: usize = 48;
/// What is later than this is later than most of what waits for it.
const VERY: Duration = Duration::from_secs(4);
/// So many groups are remembered.
const REMEMBERED: usize = 32;
/// How late a message is: from the time of a tick to more than a lease and its grace; but it comes soon enough for the cluster to
/// settle, and none is sent after the calm.
const LATE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));

impl Strategy for Late {
    fn name(&self) -> &'static str {
        "late"
    }

    fn case(&self, scenario: &Scenario, policy: &PolicySpec, seed: Seed) -> Case {
        let first = Seed(seed.0 - seed.0 % GROUP);
        let streams = self.streams(&Case::new(scenario, policy, first).concrete());
        let case = Case::new(scenario, policy, seed).concrete();
        let nodes = case.scenario.nodes();
        let streams: Vec<&Vec<DecisionAddress>> = streams.iter().filter(|one| is_there(one, nodes)).collect();
        if streams.is_empty() {
            return case;
        }
        let mut draws = Draws::new(seed, "strategy late");
        let longest = LATE.1.min(case.scenario.phases().1.split(2)).max(LATE.0);
        let mut overrides = BTreeMap::new();
        for _ in 0..=draws.below(3) {
            // Streams before messages: rare kinds matter more than frequent ones.
            let stream = streams[draws.below(streams.len() as u64) as usize];
            let address = stream[draws.below(stream.len() as u64) as usize].clone();
            // Half of them have missed everything that was waiting for them, a failover perhaps.
            let from = if draws.below(2) == 0 { LATE.0 } else { VERY.min(longest) };
            let octaves = (longest.nanos() / from.nanos()).ilog2();
            let low = from.nanos() << draws.below(u64::from(octaves) + 1);
            let late = Duration::from_nanos((low + draws.below(low)).min(longest.nanos()));
            overrides.insert(address, Decision::Delay(late));
        }
        Case { decisions: Decisions { overrides, ..Decisions::default() }, ..case }
    }
}

/// Whether both ends of a stream are among so many nodes, or are no nodes.
fn is_there(stream: &[DecisionAddress], nodes: u32) -> bool {
    let hosts = stream.first().and_then(|one| one.stream.split(' ').nth(1)).unwrap_or_default();
    hosts.split('>').all(|host| slot(host).is_none_or(|slot| slot <= nodes))
}

/// The number of a node.
fn slot(host: &str) -> Option<u32> {
    host.strip_prefix('n').and_then(|slot| slot.parse().ok())
}

/// The streams in which it matters that a message is late: between nodes, and not periodic. All, if there is none of these.
fn worth_it(streams: BTreeMap<String, Vec<DecisionAddress>>) -> Vec<Vec<DecisionAddress>> {
    let is_worth_it = |(name, messages): &(&String, &Vec<DecisionAddress>)| {
        let hosts = name.split(' ').nth(1).and_then(|hosts| hosts.split_once('>'));
        hosts.is_some_and(|(from, to)| slot(from).is_some() && slot(to).is_some()) && messages.len() <= RARE
    };
    let chosen: Vec<Vec<DecisionAddress>> =
        streams.iter().filter(is_worth_it).map(|(_, messages)| messages.clone()).collect();
    if chosen.is_empty() { streams.into_values().collect() } else { chosen }
}

impl Late {
    /// The messages of a run.
    fn streams(&self, case: &Case) -> Streams {
        let key = (case.scenario.name().to_owned(), case.policy.name().to_owned(), case.seed.0);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(streams) = known {
            return streams;
        }
        let logged = Case { decisions: Decisions { logged: true, ..Decisions::default() }, ..case.clone() };
        let mut streams: BTreeMap<String, Vec<DecisionAddress>> = BTreeMap::new();
        let calm = Instant::START + case.scenario.phases().0;
        for one in decided(&logged, Some(calm)).1 {
            if one.address.stream.starts_with("latency ") {
                streams.entry(one.address.stream.clone()).or_default().push(one.address);
            }
        }
        let streams: Streams = Arc::new(worth_it(streams));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        while known.len() >= REMEMBERED {
            known.pop_first();
        }
        known.insert(key, streams.clone());
        streams
    }
}
