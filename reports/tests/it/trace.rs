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
    ESC[2m#289    1.001209604s n1/maintainers .. Operators m1 (#288)ESC[0m
    #290    1.001273315s n1/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d15@n1 t14 ts1 default e0 from n1/maintainers (#288)
    ESC[1m#291    1.001273315s -- n1 crashes (#290)ESC[0m
    #292    1.001628325s n2/dispatchers <- Resolved ts1000000 from upstream (#280)
    #293    1.001751591s n3/dispatchers <- Resolved ts1000000 from upstream (#280)
    #294    1.001987874s n2/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d3@n1 t2 ts1 default e0 from n1/maintainers (#269)
    ");
}
