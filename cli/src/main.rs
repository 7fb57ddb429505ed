//! The one binary, `cdcsim`: reads arguments, runs what they ask for, prints what came of it.

mod args;
mod bench_search;
mod catalogue;
mod clock;
mod diff;
mod draw;
mod exit;
mod folder;
mod gate;
mod hunt;
mod interrupt;
mod invariants;
mod list;
mod matrix;
mod output;
mod panics;
mod progress;
mod replay;
mod run;
mod shard;
mod shrink;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};
use exit::{Exit, Stop};
use output::Output;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version go to stdout and are no error; anything else is usage.
            let exit = match error.print() {
                _ if error.use_stderr() => Exit::Usage,
                Ok(()) => Exit::Held,
                Err(error) => Stop::from(error).report(),
            };
            return exit.into();
        }
    };
    start_diagnostics(args.verbose);
    panics::record();
    let mut output = Output::new();
    let done = panics::guard(|| match &args.command {
        Command::List(command) => list::list(command, &mut output),
        Command::Catalogue(command) => catalogue::catalogue(command, &mut output),
        Command::Invariants(command) => invariants::invariants(command, &mut output),
        Command::Run(command) => run::run(command, &mut output),
        Command::Matrix(command) => matrix::matrix(command, &mut output),
        Command::Hunt(command) => hunt::hunt(command, &mut output),
        Command::Gate(command) => gate::gate(command, &mut output),
        Command::Merge(command) => gate::merge(command, &mut output),
        Command::BenchSearch(command) => bench_search::bench_search(command, &mut output),
        Command::Diff(command) => diff::diff(command, &mut output),
        Command::Draw(command) => draw::draw(command, &mut output),
        Command::Shrink(command) => shrink::shrink(command, &mut output),
        Command::Replay(command) => replay::replay(command, &mut output),
    });
    let exit = match done.and_then(|exit| output.flush().map(|()| exit)) {
        Ok(exit) => exit,
        Err(error) => error.report(),
    };
    exit.into()
}

/// Diagnostics go to stderr, never to where results go.
fn start_diagnostics(verbose: u8) {
    use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt};
    let default = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let filter = EnvFilter::builder().with_default_directive(default.into()).from_env_lossy();
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let diagnostics =
        fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour).without_time();
    // When stderr is gone, there is nowhere to complain about it.
    diagnostics.log_internal_errors(false).init();
}
