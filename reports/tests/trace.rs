//! A trace is every record as it is, with styles that say nothing new.

mod support;

use reports::trace;
use support::{findings, lines, plain};

#[test]
fn a_trace_around_the_crash() {
    let lines = lines(findings().first().expect("some seed breaks single_writer"));
    let printed: Vec<String> = lines.iter().map(trace::line).collect();
    for (line, printed) in lines.iter().zip(&printed) {
        assert_eq!(plain(printed), line.text);
    }
    let crash = lines.iter().position(|line| line.text.contains("crashes")).expect("a node crashes");
    insta::assert_snapshot!(printed[crash - 2..crash + 4].join("\n").replace('\u{1b}', "ESC"), @"
    ESC[2m#264              1s upstream .. Resolve (#223)ESC[0m
    #265      1.0000139s n1/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d15@n1 t14 ts1 default e0 from n1/maintainers (#262)
    ESC[1m#266      1.0000139s -- n1 crashes (#265)ESC[0m
    #267    1.000728459s n2/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d3@n1 t2 ts1 default e0 from n1/maintainers (#245)
    #268    1.000728459s n2/dispatchers <- ScheduleDispatcherRequest cf1 Create (Add) d6@n1 t5 ts1 default e0 from n1/maintainers (#249)
    ESC[1mESC[31m#269    1.000777632s n1/dispatchers xx Resolved ts1000000 from upstream: the receiver is down (#264)ESC[0m
    ");
}
