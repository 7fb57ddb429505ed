//! A trace is every record as it is, with styles that say nothing new.

use crate::support::{findings, lines, plain};
use reports::trace;

#[test]
fn a_trace_around_the_crash() {
    let lines = lines(findings().first().expect("some seed breaks single_writer"));
    let printed: Vec<String> = lines.iter().map(trace::line).collect();
    for (line, printed) in lines.iter().zip(&printed) {
        assert_eq!(plain(printed), line.text());
    }
    let crash = lines.iter().position(|line| line.text().contains("crashes")).expect("a node crashes");
    insta::assert_snapshot!(printed[crash - 2..crash + 4].join("\n").replace('\u{1b}', "ESC"), @"
    ESC[2m#343    0.980458365s n1/maintainers .. Operators m1 (#342)ESC[0m
    #344    0.980468277s n3/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d4@n1 t3 ts1 default e0 from n1/maintainers (#325)
    ESC[1m#345    0.980468277s -- n1 crashes (#344)ESC[0m
    ESC[2m#346    0.980602832s n3/dispatchers .. Task task2 (#344)ESC[0m
    ESC[2m#347    0.980714241s n3/dispatchers .. Task task2 (#346)ESC[0m
    #348    0.980766508s n2/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d2@n1 t1 ts1 default e0 from n1/maintainers (#339)
    ");
}
