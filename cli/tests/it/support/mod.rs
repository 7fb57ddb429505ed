//! What the tests of the binary share: calling it, and a run that is known to break.

use std::{fs, path::Path, process::Command, sync::LazyLock, time::Duration};

use serde_json::Value;
use tempfile::TempDir;

/// What a call of the binary came to.
pub struct Called {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// What the caller may have set: for colours and diagnostics, and what CI systems say to `gate`.
const CALLERS: &[&str] = &[
    "RUST_LOG",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "CI",
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "CI_NODE_INDEX",
    "BUILDKITE_PARALLEL_JOB",
    "BUILDKITE_COMMIT",
    "CIRCLE_NODE_INDEX",
    "CIRCLE_SHA1",
    "PULL_PULL_SHA",
    "JOB_COMPLETION_INDEX",
    "SLURM_ARRAY_TASK_ID",
];

/// The binary, with nothing of the caller's environment that would change what it prints.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cdcsim"));
    for variable in CALLERS {
        command.env_remove(variable);
    }
    command
}

/// Calls the binary with the words of `line`.
pub fn cdcsim(line: &str) -> Called {
    let mut command = command();
    command.args(line.split_whitespace());
    call(command)
}

/// Calls the binary with the words of `line` in a folder.
pub fn cdcsim_in(folder: &TempDir, line: &str) -> Called {
    let mut command = command();
    command.current_dir(folder.path()).args(line.split_whitespace());
    call(command)
}

/// Calls a command to its end, which it reaches soon or never.
pub fn call(command: Command) -> Called {
    let mut command = assert_cmd::Command::from_std(command);
    let output = command.timeout(Duration::from_secs(60)).output().expect("the command starts");
    let text = |bytes| String::from_utf8(bytes).expect("what is printed is text");
    Called { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Called {
    /// The only thing on stdout is one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("stdout is one JSON value")
    }

    /// What is printed for bad input: on stderr, on one screen, and nothing where results go.
    pub fn complaint(&self) -> &str {
        assert_eq!(self.code, Some(2), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        assert!(self.stderr.lines().count() <= 24, "{}", self.stderr);
        self.stderr.trim_end()
    }
}

/// A run that breaks an invariant.
pub struct Finding {
    pub seed: String,
    pub digest: String,
    /// The line that replays it.
    pub replay: String,
}

impl Finding {
    /// The arguments that run its seed and no other, and save it in the folder `found`.
    pub fn saving(&self) -> String {
        format!("run delayed-create --policy baseline --seed {} --out found", self.seed)
    }
}

/// The first seed in which `delayed-create` breaks `single_writer` under `baseline`.
pub static FINDING: LazyLock<Finding> = LazyLock::new(|| {
    let swept = cdcsim("run delayed-create --policy baseline --seeds 0..200 --format json").json();
    let mut findings = swept["results"][0]["findings"].as_array().expect("a list").iter();
    let first = findings.find(|finding| finding["violations"][0]["invariant"] == "single_writer");
    let first = first.expect("some seed breaks single_writer");
    let field = |name: &str| first[name].as_str().expect(name).to_owned();
    Finding { seed: field("seed"), digest: field("digest"), replay: field("replay") }
});

/// The smallest scenario, which claims nothing.
pub const SMALL: &str = "\
story = \"Three nodes, two tables, and nothing goes wrong.\"
run_for = \"5s\"
settle_for = \"5s\"

[cluster]
nodes = 3

[workload]
tables = 2
row_every = \"1s\"
rows = 8
";

/// A folder of files.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("there is room for a file");
    }
    folder
}

/// The only file of a folder.
pub fn only_file(folder: &Path) -> String {
    let mut files = fs::read_dir(folder).expect("the folder is there").map(|file| file.unwrap().path());
    let file = files.next().expect("it has a file");
    assert_eq!(files.next(), None);
    file.display().to_string()
}
