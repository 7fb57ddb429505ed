//! What heals at the end of the fault phase: everything, or only a core that can carry the load.
//!
//! A core is etcd, PD, the upstream, the downstream and some of the nodes, whatever has happened to these. Everything else stays as
//! it is for ever: who waits for it waits for ever, and what only looks like progress because it is healed shows.

use model::Actor;
use sim::{Draws, Fault, HostId, Seed};
use toml::Value;

use super::hosts::Hosts;
use crate::file::{Ending, File, NamedEnding};

/// The services, whose hosts come behind those of the nodes.
const SERVICES: u32 = 4;

/// The last fault of a run.
pub(super) fn ending(file: &File, seed: Seed) -> Fault<Actor> {
    let nodes = *file.cluster.nodes.get_ref();
    let (by_seed, drawn) = draw(nodes, seed);
    let core = match file.ending.as_ref().map(|ending| ending.get_ref()) {
        None => by_seed.then_some(drawn),
        Some(Ending::Named(NamedEnding::Calm)) => None,
        Some(Ending::Named(NamedEnding::Core)) => Some(drawn),
        Some(Ending::Nodes(named)) => {
            let hosts = Hosts::of(file);
            let node = |name: &String| hosts.node(name).ok().flatten().expect("it was checked");
            Some(named.core.iter().map(|name| node(name).slot).collect())
        }
    };
    match core {
        Some(core) if nodes > 1 => {
            let mut hosts: Vec<u32> = core.into_iter().map(|slot| u32::from(slot) - 1).collect();
            hosts.sort_unstable();
            hosts.dedup();
            hosts.extend(nodes..nodes + SERVICES);
            let host = |number| HostId(u16::try_from(number).expect("hosts are few"));
            Fault::Core { hosts: hosts.into_iter().map(host).collect() }
        }
        _ => Fault::Calm,
    }
}

/// Whether the seed wants a core, and which nodes are in it: at least one is, and at least one is not. All of it is drawn in any
/// case, so that a file that says how it ends moves no draw.
fn draw(nodes: u32, seed: Seed) -> (bool, Vec<u8>) {
    let mut draws = Draws::new(seed, "ending");
    let by_seed = draws.below(2) == 1;
    let mut order: Vec<u8> = (1..=9).filter(|slot| u32::from(*slot) <= nodes).collect();
    for n in (1..order.len()).rev() {
        order.swap(n, usize::try_from(draws.below(n as u64 + 1)).expect("nodes are few"));
    }
    let count = 1 + draws.below(u64::from(nodes.max(2) - 1));
    order.truncate(usize::try_from(count).expect("nodes are few"));
    order.sort_unstable();
    (by_seed, order)
}

/// How a file that leaves it to the seed says what that comes to, in a cluster of so many nodes.
pub(crate) fn said(nodes: u32, seed: Seed) -> Value {
    match draw(nodes, seed) {
        (true, core) if nodes > 1 => {
            let core = core.into_iter().map(|slot| Value::String(format!("n{slot}"))).collect();
            Value::Table([("core".to_owned(), Value::Array(core))].into_iter().collect())
        }
        _ => Value::String("calm".to_owned()),
    }
}
