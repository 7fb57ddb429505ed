//! What is measured of small clusters.

use crate::hand::settled::{after, cluster, with_deletes};
use model::{
    Cluster, Sim,
    measures::{self, Measures},
};
use sim::{Decisions, Duration, Fault, HostId, Planned, Seed, When, Who};

/// What is measured in a cluster of two nodes and one table in 30 s, with these faults.
fn measured(cluster: &Cluster, plan: Vec<Planned<model::Actor>>) -> String {
    let mut sim = Sim::new(cluster.layout(Seed(1)), plan, Seed(1), &Decisions::default());
    let mut measures = Measures::default();
    while sim.step(after(30_000)) {
        measures.observe(&sim, sim.record());
    }
    let values = measures.measured(&sim).0;
    let told = measures::ALL
        .iter()
        .zip(values)
        .map(|(measure, value)| format!("{} {value} {}", measure.name, measure.unit.name()));
    told.collect::<Vec<_>>().join(", ")
}

fn crash(host: u16, back_after: Option<u64>) -> Vec<Planned<model::Actor>> {
    let back_after = back_after.map(Duration::from_millis);
    let fault = Fault::Crash { who: Who::Host(HostId(host)), back_after };
    vec![Planned { when: When::At(after(10_000)), fault }]
}

#[test]
fn what_a_crash_costs() {
    insta::assert_snapshot!(measured(&cluster(), Vec::new()), @"without_writer 0 ms, recovery 0 ms, written_twice 0 rows, checkpoint_lag 2004 ms, control_messages 36 messages");
    // n1 has the table, and is missed when its lease runs out.
    insta::assert_snapshot!(measured(&cluster(), crash(0, None)), @"without_writer 12385 ms, recovery 13401 ms, written_twice 1 rows, checkpoint_lag 14601 ms, control_messages 15 messages");
    insta::assert_snapshot!(measured(&cluster(), crash(0, Some(1_000))), @"without_writer 12400 ms, recovery 13401 ms, written_twice 1 rows, checkpoint_lag 14601 ms, control_messages 23 messages");
    // n2 only coordinates.
    insta::assert_snapshot!(measured(&cluster(), crash(1, None)), @"without_writer 0 ms, recovery 12602 ms, written_twice 0 rows, checkpoint_lag 13802 ms, control_messages 32 messages");
}

/// A log shows what is written again, a database what of that has an effect.
#[test]
fn what_is_written_again() {
    let kafka = with_deletes(model::sink::Class::Kafka);
    insta::assert_snapshot!(measured(&kafka, crash(0, None)), @"without_writer 12368 ms, recovery 13401 ms, written_twice 1 rows, checkpoint_lag 14601 ms, control_messages 22 messages");
}
