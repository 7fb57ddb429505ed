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
    #355    1.348589471s n1/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d11@n1 t10 ts1 default e0 from n1/maintainers (#353)
    #356    1.348590164s n2/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d6@n1 t5 ts1 default e0 from n1/maintainers (#331)
    ESC[1m#357    1.348590164s -- n1 crashes (#356)ESC[0m
    #358    1.348590164s n2/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d18@n1 t17 ts1 default e0 from n1/maintainers (#341)
    ESC[2m#359    1.348599497s n2/dispatchers .. Task task2 (#356)ESC[0m
    ESC[2m#360     1.34873787s n2/dispatchers .. Task task2 (#359)ESC[0m
    ");
}
