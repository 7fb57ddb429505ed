//! A trace is every record as it is, with styles that say nothing new.

use crate::support::{findings, lines, plain};
use reports::trace;

#[test]
fn a_trace_around_the_crash() {
    let lines = lines(findings().first().expect("some seed breaks single_writer"));
    let printed: Vec<String> = lines.iter().map(trace::line).collect();
    for (line, printed) in lines.iter().zip(&printed) {
        assert_eq!(plain(printed), line.text);
    }
    let crash = lines.iter().position(|line| line.text.contains("crashes")).expect("a node crashes");
    insta::assert_snapshot!(printed[crash - 2..crash + 4].join("\n").replace('\u{1b}', "ESC"), @"
    ESC[2m#341    1.347644158s n1/maintainers .. Operators m1 (#340)ESC[0m
    #342    1.347707869s n1/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d15@n1 t14 ts1 default e0 from n1/maintainers (#340)
    ESC[1m#343    1.347707869s -- n1 crashes (#342)ESC[0m
    #344    1.348422428s n2/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d3@n1 t2 ts1 default e0 from n1/maintainers (#320)
    #345    1.348422428s n2/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d6@n1 t5 ts1 default e0 from n1/maintainers (#326)
    ESC[2m#346    1.348431761s n2/dispatchers .. Task task2 (#344)ESC[0m
    ");
}
