//! What the people who work on cdcsim run themselves.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to whoever has called it")]

mod plant;
mod plants;
mod table;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "What the people who work on cdcsim run themselves")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plant one-line faults in a copy of the sources, one at a time, and tell which test sees each
    ///
    /// Ends with 0 if every fault is seen, with 1 if one is not, with 2 if something could not be done.
    Plant(plant::Args),
}

fn main() -> ExitCode {
    let Args { command: Command::Plant(args) } = Args::parse();
    match plant::plant(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
