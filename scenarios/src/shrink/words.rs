//! Deviations from nominal weather in plain words.

use model::Addr;
use sim::{Decision, DecisionAddress};

use crate::{
    Case,
    trace::{CALM, COMMAND, Line, LineKind, UNDONE},
};

/// What a case has beside nominal weather: the faults and commands that happen, in order, then the decisions that differ. The
/// calm, what undoes itself, and processes that end of themselves are no deviations; who says the same again and again is told once.
pub fn deviations(case: &Case) -> Vec<String> {
    let (_, lines) = case.trace();
    let calm = lines.iter().find(|line| line.label() == CALM).map(Line::at);
    let is_planned = |line: &&Line| match line.kind() {
        LineKind::Fault => ![UNDONE, CALM].contains(&line.label()) && !ends_of_itself(&lines, line),
        // What the calm says to services is part of it.
        LineKind::Step => line.label() == COMMAND && calm.is_none_or(|calm| line.at() < calm),
        LineKind::Alarm | LineKind::Lost => false,
    };
    let mut told: Vec<String> = once(lines.iter().filter(is_planned));
    told.extend(case.decisions.overrides.iter().map(|(address, decision)| words(address, *decision)));
    told
}

/// Whether a process ends because of what it has just done, and is started again by its supervisor.
fn ends_of_itself(lines: &[Line], line: &Line) -> bool {
    let cause = line.cause().and_then(|cause| lines.iter().find(|other| other.id() == cause));
    let Some(Addr::Node(host, _)) = cause.and_then(Line::actor) else { return false };
    line.what() == format!("-- {host} crashes, back in {}", model::node::RESTART_AFTER)
}

/// Each fault and command; what is repeated at once, such as the questions of a user who drains a node, is told with its number.
fn once<'a>(lines: impl Iterator<Item = &'a Line>) -> Vec<String> {
    let mut told: Vec<(String, String, u32)> = Vec::new();
    for line in lines {
        let what = line.what().trim_start_matches("-- ").to_owned();
        match told.iter_mut().find(|(_, other, _)| line.label() == COMMAND && *other == what) {
            Some((_, _, times)) => *times += 1,
            None => told.push((line.at().to_string(), what, 1)),
        }
    }
    let words = told.into_iter().map(|(at, what, times)| match times {
        1 => format!("at {at}: {what}"),
        _ => format!("at {at}: {what}, {times} times from then on"),
    });
    words.collect()
}

/// A decision in words.
fn words(address: &DecisionAddress, decision: Decision) -> String {
    let mut words = address.stream.split(' ');
    let (what, place) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let kind: Vec<&str> = words.collect();
    let kind = kind.join(" ");
    let nth = nth(address.n + 1);
    let way = place.split_once('>').map_or(String::new(), |(from, to)| format!("from {from} to {to}"));
    match (what, decision) {
        ("latency", Decision::Delay(length)) => format!("the {nth} {kind} {way} takes {length}"),
        ("copy-latency", Decision::Delay(length)) => {
            format!("the copy of the {nth} {kind} {way} takes {length}")
        }
        ("straggler-latency", Decision::Delay(length)) => {
            format!("the {nth} {kind} {way}, left over from a broken connection, is handled {length} later")
        }
        ("loss", Decision::Whether(true)) => format!("the {nth} {kind} {way} is lost"),
        ("copy", Decision::Whether(true)) => format!("the {nth} {kind} {way} comes twice"),
        ("straggler", Decision::Whether(true)) => {
            format!("the {nth} {kind} {way} is handled although its connection has broken")
        }
        ("hop", Decision::Delay(length)) => format!("the {nth} {kind} waits {length} for {place}"),
        ("yield", Decision::Delay(length)) => {
            format!("{place} stands aside for {length} before its {nth} {kind}")
        }
        ("slack", Decision::Delay(length)) => format!("the {nth} alarm {kind} of {place} is {length} late"),
        ("boot", Decision::Delay(length)) => format!("{place} takes {length} for its {nth} start"),
        ("choice", Decision::Pick(one)) => format!("{place} takes no. {one} at its {nth} choice `{kind}`"),
        (_, Decision::Delay(length)) => format!("{address}: {length}"),
        (_, Decision::Whether(answer)) => format!("{address}: {answer}"),
        (_, Decision::Pick(one)) => format!("{address}: no. {one}"),
    }
}

/// `1st`, `2nd`, …
fn nth(n: u64) -> String {
    let ending = match (n % 100, n % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::Duration;

    #[test]
    fn decisions_can_be_retold() {
        let said = |address: &str, decision| words(&address.parse().expect("an address"), decision);
        let late = Decision::Delay(Duration::from_millis(4200));
        insta::assert_snapshot!(
            [
                said("latency n1>n2 ScheduleDispatcherRequest #3", late),
                said("loss n2>etcd TxnRequest #0", Decision::Whether(true)),
                said("copy n2>n3 HeartBeatRequest #10", Decision::Whether(true)),
                said("hop n1/coordinator MaintainerHeartbeat #1", late),
                said("yield n3/dispatchers Task #20", late),
                said("slack n1/maintainers Tick #2", late),
                said("boot n2 #0", late),
                said("choice n1/maintainers map order #4", Decision::Pick(3)),
            ].join("\n"),
            @"
        the 4th ScheduleDispatcherRequest from n1 to n2 takes 4.2s
        the 1st TxnRequest from n2 to etcd is lost
        the 11th HeartBeatRequest from n2 to n3 comes twice
        the 2nd MaintainerHeartbeat waits 4.2s for n1/coordinator
        n3/dispatchers stands aside for 4.2s before its 21st Task
        the 3rd alarm Tick of n1/maintainers is 4.2s late
        n2 takes 4.2s for its 1st start
        n1/maintainers takes no. 3 at its 5th choice `map order`
        "
        );
    }
}
