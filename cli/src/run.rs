//! `cdcsim run`: scenarios under seeds.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use reports::{json, summary};
use scenarios::{
    Case, Claim, Error, PolicySpec, Scenario, Seed,
    capsule::Capsule,
    catalogue, determinism,
    run::Outcome,
    strategy::{self, Cases},
    sweep::{self, Ended, Tally, Verdict},
};

use crate::{
    args::{Format, Report, Run},
    exit::{Exit, Stop},
    folder, interrupt,
    output::Output,
    progress::Progress,
    replay,
};

/// One scenario under one policy.
struct Job {
    /// As it was given: a name or a path.
    called: String,
    scenario: Scenario,
    policy: PolicySpec,
    /// What the scenario says of the policy.
    claim: Option<Claim>,
    /// Whether the exit code says how the claim came out, or what the runs came to.
    claimed: bool,
    seeds: Range<u64>,
    /// What is made of each seed.
    cases: Cases,
}

/// What of a sweep is told, and where to.
struct Telling<'a> {
    args: &'a Run,
    output: &'a mut Output,
    progress: Progress,
    findings: Vec<json::Finding>,
    failures: Vec<json::Failure>,
    left_out: u64,
    /// The first thing that could not be told.
    stopped: Option<Stop>,
}

pub(crate) fn run(args: &Run, output: &mut Output) -> Result<Exit, Stop> {
    let jobs = jobs(args)?;
    if let Some(out) = &args.out {
        folder::prepare(out)?;
    }
    let threads =
        args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let stop = interrupt::watch();
    let (mut exit, mut results) = (Exit::Held, Vec::new());
    for job in &jobs {
        let run = |seed| {
            let outcome = job.cases.run(seed);
            if args.check_determinism {
                // Like anything else that the testbed guarantees: a panic is the end of this seed alone.
                determinism::check(&job.cases.case(seed)).unwrap_or_else(|difference| panic!("{difference}"));
            }
            outcome
        };
        let result = one(job, args, threads, &stop, output, run)?;
        exit = exit.or(result.1);
        results.push(result.0);
        if exit == Exit::Interrupted {
            break;
        }
    }
    if args.format == Format::Json {
        let results = json::Results { schema: json::RESULT, results, exit: exit.code() };
        output.line(&json::text(&results))?;
    }
    Ok(exit)
}

/// Every scenario under the policy that was asked for, or under those of its claims.
fn jobs(args: &Run) -> Result<Vec<Job>, Stop> {
    let policy = args.policy.as_deref().map(PolicySpec::parse).transpose()?;
    let mut jobs = Vec::new();
    for called in &args.scenarios {
        if called.ends_with(".json") {
            return Err(Error::new(called, "a capsule is not run but replayed: cdcsim replay CAPSULE").into());
        }
        let scenario = catalogue::find(called)?.without(&args.without)?;
        let seeds = args.seed.map(|seed| seed..seed + 1).or_else(|| args.seeds.clone());
        let seeds = seeds.unwrap_or(0..scenario.seeds());
        let claims = match &policy {
            Some(policy) => vec![(policy.clone(), scenario.claim(policy))],
            None => scenario.claims().into_iter().map(|claim| (claim.policy.clone(), Some(claim))).collect(),
        };
        if claims.is_empty() {
            let what = "it claims nothing; say under which policy it is to run with --policy";
            return Err(Error::new(format!("scenario `{called}`"), what).into());
        }
        for (policy, claim) in claims {
            let (called, scenario, seeds) = (called.clone(), scenario.clone(), seeds.clone());
            let cases = Cases::new(&scenario, &policy, &args.strategy)?;
            jobs.push(Job { called, scenario, policy, claim, claimed: args.policy.is_none(), seeds, cases });
        }
    }
    Ok(jobs)
}

fn one(
    job: &Job,
    args: &Run,
    threads: usize,
    stop: &AtomicBool,
    output: &mut Output,
    run: impl Fn(Seed) -> Outcome + Sync,
) -> Result<(json::Sweep, Exit), Stop> {
    let text = args.format == Format::Text;
    if text {
        output.line(&summary::heading(job.scenario.name(), job.policy.name(), &job.seeds))?;
    }
    tracing::info!(scenario = job.scenario.name(), policy = job.policy.name(), threads, "sweep begins");
    let mut telling = Telling {
        args,
        output,
        progress: Progress::new(job.seeds.end - job.seeds.start),
        findings: Vec::new(),
        failures: Vec::new(),
        left_out: 0,
        stopped: None,
    };
    let tell = |ended: &Ended| telling.tell(job, ended, stop);
    let tally = match job.cases.round() {
        None => sweep::sweep(job.seeds.clone(), threads, stop, run, tell)?,
        Some(round) => sweep::in_rounds(job.seeds.clone(), round, threads, stop, run, tell)?,
    };
    telling.progress.clear();
    tracing::info!(ran = tally.ran, records = tally.records, "sweep ends");
    let Telling { output, findings, failures, left_out, stopped, .. } = telling;
    if let Some(stopped) = stopped {
        return Err(stopped);
    }
    if text {
        if left_out > 0 {
            output.part(&format!("  and {left_out} more; --max-findings tells more of them"))?;
        }
        output.part(&summary::tally(&tally, job.seeds.end - job.seeds.start))?;
        if let Some(claim) = &job.claim {
            output.part(&summary::verdict(claim, &tally))?;
        }
        output.line("")?;
    }
    let result =
        json::Sweep::new(job.scenario.name(), job.policy.name(), &job.seeds, &tally, job.claim.as_ref());
    let exit = job.exit(&tally, !failures.is_empty());
    Ok((json::Sweep { findings, failures, findings_left_out: left_out, ..result }, exit))
}

impl Job {
    /// Saves the case of a seed as a capsule.
    fn save(&self, out: &Path, seed: Seed, case: &Case) -> Result<PathBuf, Stop> {
        let name = format!("{}-{}-{seed}", self.scenario.name(), folder::file_name(self.policy.name()));
        folder::save(out, &name, &Capsule::of(case).0)
    }

    /// The line that replays a seed, if it alone says what was run.
    fn replay(&self, strategy: &str, seed: &str) -> String {
        let line = reports::replay_line(&self.called, self.policy.name(), seed);
        match strategy::replayed(strategy) {
            Some(how) => line + &how,
            None => {
                "none: what this strategy makes of a seed depends on others; --out saves capsules".to_owned()
            }
        }
    }

    fn exit(&self, tally: &Tally, failed: bool) -> Exit {
        let verdict = self.claim.as_ref().map(|claim| tally.judge(claim));
        let exit = match verdict {
            _ if tally.ran == 0 => Exit::Vacuous,
            Some(Verdict::Vacuous { .. }) if self.claimed => Exit::Vacuous,
            Some(Verdict::Confirmed) if self.claimed => Exit::Held,
            _ if tally.broken > 0 => Exit::Broken,
            _ if tally.held == 0 => Exit::Vacuous,
            Some(Verdict::Vacuous { .. }) => self.unless_it_claims_a_break(),
            _ => Exit::Held,
        };
        let exit = if failed { exit.or(Exit::Failed) } else { exit };
        if tally.interrupted { Exit::Interrupted } else { exit }
    }

    /// A policy was asked for, and everything held: that shows something even where the scenario claims a break.
    fn unless_it_claims_a_break(&self) -> Exit {
        let breaks = self.claim.as_ref().is_some_and(|claim| !claim.breaks.is_empty());
        if breaks { Exit::Held } else { Exit::Vacuous }
    }
}

impl Telling<'_> {
    /// Tells how a seed ended, as far as it is worth it. If that fails, the sweep is stopped.
    fn tell(&mut self, job: &Job, ended: &Ended, stop: &AtomicBool) {
        let is_wanted = job.cases.round().is_some() || ended.is_bad();
        let case = match ended {
            Ended::Ran(outcome) if is_wanted => Some(job.cases.told(outcome.seed)),
            Ended::Ran(_) | Ended::Failed { .. } => None,
        };
        self.progress.advance(job.scenario.length(), ended.is_bad());
        let told = match ended {
            _ if self.stopped.is_some() => return,
            Ended::Ran(outcome) if !outcome.is_broken() => Ok(()),
            Ended::Ran(_) if self.findings.len() as u64 >= self.args.max_findings => {
                self.left_out += 1;
                Ok(())
            }
            Ended::Ran(outcome) => case.map_or(Ok(()), |case| self.finding(job, outcome, &case)),
            Ended::Failed { seed, message } => self.failure(job, &seed.to_string(), message),
        };
        if let Err(error) = told {
            self.stopped = Some(error);
            stop.store(true, Ordering::Relaxed);
        }
    }

    fn finding(&mut self, job: &Job, outcome: &Outcome, case: &Case) -> Result<(), Stop> {
        let text = self.args.format == Format::Text;
        let line = job.replay(&self.args.strategy, &outcome.seed.to_string());
        if text {
            self.progress.aside(|| self.output.line(&summary::finding(outcome, &line)))?;
        }
        let mut finding = json::Finding::new(outcome, line);
        if let Some(out) = &self.args.out {
            let capsule = job.save(out, outcome.seed, case)?.display().to_string();
            if text {
                self.progress.aside(|| self.output.line(&summary::saved(&capsule)))?;
            }
            finding.capsule = Some(capsule);
        }
        if self.args.report != Report::Summary {
            let (seed, report) = (outcome.seed, self.args.report);
            match replay::again(case, outcome.digest) {
                Ok((outcome, lines)) if text => {
                    self.progress.aside(|| replay::tell(&outcome, &lines, report, self.output))?;
                }
                Ok((outcome, lines)) => finding.lines = replay::told(&outcome, &lines, self.args.report),
                Err(message) => self.failure(job, &seed.to_string(), &message)?,
            }
        }
        self.findings.push(finding);
        Ok(())
    }

    fn failure(&mut self, job: &Job, seed: &str, message: &str) -> Result<(), Stop> {
        let replay = job.replay(&self.args.strategy, seed);
        if self.args.format == Format::Text {
            self.progress.aside(|| self.output.line(&summary::failure(seed, message, &replay)))?;
        }
        self.failures.push(json::Failure { seed: seed.to_owned(), message: message.to_owned(), replay });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    use crate::args::{Args, Command};

    fn arguments(line: &str) -> Run {
        match Args::parse_from(line.split(' ')).command {
            Command::Run(run) => run,
            _ => panic!("`{line}` runs nothing"),
        }
    }

    #[test]
    fn a_panic_in_one_seed_is_a_failure_of_that_seed_alone() {
        let args = arguments("cdcsim run quiet-cluster --policy master --seeds 0..5 --format json");
        let jobs = jobs(&args).expect("the line is right");
        let run =
            |seed| if seed == Seed(3) { panic!("a bug of the testbed") } else { jobs[0].cases.run(seed) };
        let swept = one(&jobs[0], &args, 2, &AtomicBool::new(false), &mut Output::new(), run);
        let (result, exit) = swept.expect("stdout can be written");
        assert_eq!(exit, Exit::Failed);
        assert_eq!((result.ran, result.held, result.failed), (4, 4, 1));
        insta::assert_snapshot!(json::text(&result.failures), @r#"
        [
          {
            "seed": "3",
            "message": "a bug of the testbed",
            "replay": "cdcsim replay quiet-cluster --policy master --seed 3"
          }
        ]
        "#);
    }
}
