//! `cdcsim run`: scenarios under seeds.

use std::{fs, ops::Range, path::Path, sync::atomic::AtomicBool, thread};

use reports::{json, summary};
use scenarios::{
    Claim, Decisions, Error, PolicySpec, Scenario,
    capsule::Capsule,
    catalogue,
    run::Outcome,
    sweep::{self, Ended, Tally, Verdict},
};

use crate::{
    args::{Format, Report, Run},
    exit::{Exit, Stop},
    interrupt,
    output::Output,
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
}

/// What of a sweep is told, and where to.
struct Telling<'a> {
    args: &'a Run,
    output: &'a mut Output,
    findings: Vec<json::Finding>,
    failures: Vec<json::Failure>,
    left_out: u64,
    /// The first thing that could not be told.
    stopped: Option<Stop>,
}

pub(crate) fn run(args: &Run, output: &mut Output) -> Result<Exit, Stop> {
    let jobs = jobs(args)?;
    if let Some(out) = &args.out {
        fs::create_dir_all(out).map_err(|error| cannot_write(out, &error))?;
    }
    let threads =
        args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let stop = interrupt::watch();
    let (mut exit, mut results) = (Exit::Held, Vec::new());
    for job in &jobs {
        let result = one(job, args, threads, &stop, output)?;
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
        let scenario = catalogue::find(called)?;
        let seeds = args.seed.map(|seed| seed..seed.saturating_add(1)).or_else(|| args.seeds.clone());
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
            jobs.push(Job { called, scenario, policy, claim, claimed: args.policy.is_none(), seeds });
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
) -> Result<(json::Sweep, Exit), Stop> {
    let text = args.format == Format::Text;
    if text {
        output.line(&summary::heading(job.scenario.name(), job.policy.name(), &job.seeds))?;
    }
    tracing::info!(scenario = job.scenario.name(), policy = job.policy.name(), threads, "sweep begins");
    let mut telling =
        Telling { args, output, findings: Vec::new(), failures: Vec::new(), left_out: 0, stopped: None };
    let tally = sweep::sweep(&job.scenario, &job.policy, job.seeds.clone(), threads, stop, |ended| {
        telling.tell(job, ended, stop);
    });
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
    let result = json::Sweep { findings, failures, findings_left_out: left_out, ..result };
    Ok((result, job.exit(&tally)))
}

impl Job {
    fn exit(&self, tally: &Tally) -> Exit {
        let verdict = self.claim.as_ref().map(|claim| tally.judge(claim));
        let exit = match verdict {
            Some(Verdict::Vacuous { .. }) if self.claimed => Exit::Vacuous,
            Some(Verdict::Confirmed) if self.claimed => Exit::Held,
            _ if tally.broken > 0 => Exit::Broken,
            Some(Verdict::Vacuous { .. }) => self.unless_it_claims_a_break(),
            _ if tally.ran == 0 => Exit::Vacuous,
            _ => Exit::Held,
        };
        let exit = if tally.failed > 0 { exit.or(Exit::Failed) } else { exit };
        if tally.interrupted { Exit::Interrupted } else { exit }
    }

    /// A policy was asked for, and everything held: that shows something even where the scenario claims a break.
    fn unless_it_claims_a_break(&self) -> Exit {
        let breaks = self.claim.as_ref().is_some_and(|claim| claim.breaks.is_some());
        if breaks { Exit::Held } else { Exit::Vacuous }
    }
}

impl Telling<'_> {
    /// Tells how a seed ended, as far as it is worth it. If that fails, the sweep is stopped.
    fn tell(&mut self, job: &Job, ended: &Ended, stop: &AtomicBool) {
        let told = match ended {
            _ if self.stopped.is_some() => return,
            Ended::Ran(outcome) if outcome.held() => Ok(()),
            Ended::Ran(_) if self.findings.len() as u64 >= self.args.max_findings => {
                self.left_out += 1;
                Ok(())
            }
            Ended::Ran(outcome) => self.finding(job, outcome),
            Ended::Failed { seed, message } => self.failure(job, &seed.to_string(), message),
        };
        if let Err(error) = told {
            self.stopped = Some(error);
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }

    fn finding(&mut self, job: &Job, outcome: &Outcome) -> Result<(), Stop> {
        let line = reports::replay_line(&job.called, job.policy.name(), &outcome.seed.to_string());
        if self.args.format == Format::Text {
            self.output.line(&summary::finding(outcome, &line))?;
            if self.args.report != Report::Summary {
                let decisions = Decisions::default();
                let run = (&job.scenario, &job.policy, outcome.seed, &decisions);
                replay::tell_more(run, self.args.report, self.output)?;
            }
        }
        if let Some(out) = &self.args.out {
            save(out, job, outcome)?;
        }
        self.findings.push(json::Finding::new(outcome, line));
        Ok(())
    }

    fn failure(&mut self, job: &Job, seed: &str, message: &str) -> Result<(), Stop> {
        let replay = reports::replay_line(&job.called, job.policy.name(), seed);
        if self.args.format == Format::Text {
            self.output.line(&summary::failure(seed, message, &replay))?;
        }
        self.failures.push(json::Failure { seed: seed.to_owned(), message: message.to_owned(), replay });
        Ok(())
    }
}

fn save(out: &Path, job: &Job, outcome: &Outcome) -> Result<(), Stop> {
    let policy =
        job.policy.name().replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-', "_");
    let path = out.join(format!("{}-{policy}-{}.json", job.scenario.name(), outcome.seed));
    let text = Capsule::of(&job.scenario, &job.policy, outcome).to_text();
    // Written beside and then renamed: a capsule is whole or not there.
    let part = path.with_extension("json.part");
    let written = fs::write(&part, text).and_then(|()| fs::rename(&part, &path));
    written.map_err(|error| cannot_write(&path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Stop {
    Error::new(path.display().to_string(), format!("it cannot be written: {error}")).into()
}
