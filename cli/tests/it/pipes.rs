//! How the program ends when its surroundings do: a reader that goes away, an interrupt, a full disk.

#![cfg(unix)]

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::support::{FINDING, call, command};

/// Starts the binary and reads what it prints up to a line that contains `until`.
fn started(line: &str, until: &str) -> (Child, BufReader<ChildStdout>, String) {
    let mut command = command();
    command.args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut read = String::new();
    while !read.lines().last().is_some_and(|line| line.contains(until)) {
        assert_ne!(
            stdout.read_line(&mut read).expect("stdout is text"),
            0,
            "`{until}` was not printed: {read}"
        );
    }
    (child, stdout, read)
}

/// The exit code and what was said on stderr.
fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8(output.stderr).expect("stderr is text"))
}

#[test]
fn a_closed_pipe_is_quiet() {
    let trace = format!("replay delayed-create --policy baseline --seed {} --report trace", FINDING.seed);
    for (line, until) in [
        (trace.as_str(), "broken"),
        (&trace.replace("trace", "trace --format json"), "{"),
        ("run delayed-create --policy baseline --seeds 0..1000000", "seeds 0.."),
        ("catalogue", "General"),
        ("catalogue --format json", "{"),
    ] {
        let (child, stdout, _) = started(line, until);
        drop(stdout);
        assert_eq!(ended(child), (Some(141), String::new()), "{line}");
    }
}

/// Sends a signal, and waits for the end: the exit code, what else was printed, and what was said on stderr.
fn signalled(
    signal: &str,
    child: Child,
    mut stdout: BufReader<ChildStdout>,
) -> (Option<i32>, String, String) {
    let mut kill = Command::new("sh");
    kill.args(["-c", &format!("kill -{signal} {}", child.id())]);
    let kill = call(kill);
    assert_eq!(kill.code, Some(0), "{}", kill.stderr);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("stdout is text");
    let (code, stderr) = ended(child);
    (code, rest, stderr)
}

#[test]
fn an_interrupt_keeps_what_was_found() {
    let run = "run delayed-create --policy baseline --seeds 0..1000000 --jobs 1";
    let (child, stdout, _) = started(run, &format!("seed {}  broken", FINDING.seed));
    let (code, rest, stderr) = signalled("INT", child, stdout);
    assert_eq!(code, Some(130));
    assert_eq!(stderr, "stopping after the runs under way; once more to stop at once\n");
    assert!(rest.contains(" of 1000000 seeds: "), "{rest}");
    assert!(rest.contains("interrupted: the seeds that are missing were not run"), "{rest}");
}

#[test]
fn interrupted_results_are_whole() {
    let run = "run delayed-create --policy baseline --seeds 0..1000000 --jobs 1 --format json -v";
    let mut child = command();
    child.args(run.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().expect("the binary starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut begins = String::new();
    stderr.read_line(&mut begins).expect("stderr is text");
    assert!(begins.contains("sweep begins"), "{begins}");
    let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let (code, results, _) = signalled("TERM", child, stdout);
    assert_eq!(code, Some(130));
    let json: serde_json::Value = serde_json::from_str(&results).expect("stdout is one JSON value");
    assert_eq!(json["exit"], 130);
    assert_eq!(json["results"][0]["interrupted"], true);
}

#[test]
fn a_full_disk_is_told() {
    for line in ["list", "catalogue", "--help", "run quiet-cluster --policy master --seed 0"] {
        let full = File::options().write(true).open("/dev/full");
        let Ok(full) = full else { return };
        let mut child = command();
        child.args(line.split(' ')).stdout(full).stderr(Stdio::piped());
        let (code, stderr) = ended(child.spawn().expect("the binary starts"));
        assert_eq!(code, Some(2), "{line}");
        assert!(stderr.starts_with("error: the output cannot be written: "), "{stderr}");
    }
}

#[test]
fn a_lost_stderr_is_no_panic() {
    for (line, expected) in [("run nothing", 2), ("run quiet-cluster --policy master --seed 0 -v", 0)] {
        let Ok(full) = File::options().write(true).open("/dev/full") else { return };
        let mut child = command();
        child.args(line.split(' ')).stdout(Stdio::piped()).stderr(full);
        assert_eq!(ended(child.spawn().expect("the binary starts")).0, Some(expected), "{line}");
    }
}
