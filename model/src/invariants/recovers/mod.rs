//! When everything has healed, or as much as can carry the load, the cluster recovers within the time that its scenario gives it
//! (`settle_for`): every changefeed that is to run is maintained, every table of it is replicated, its checkpoint has caught up
//! with the end of the faults, and nobody is in the middle of anything; a changefeed that is not to run is still.
//!
//! For pingcap/ticdc#5179, #3411 and everything else that leaves a table without a writer, a changefeed without a maintainer or an
//! operator without an end. What is wrong is told with what keeps it from going on, in the model's terms: who waits for what from
//! whom ([`crate::Pending`]), and what that one has dropped since the faults ended. Reported separately:
//!
//! * *changefeed*, *coverage*, *checkpoint*, *bootstrap*: of each changefeed the first that is wrong. It is gone though nobody has
//!   removed it; a table is not replicated exactly once; the persisted checkpoint is not past the end of the faults; it has no
//!   maintainer that has bootstrapped and activated its table trigger, under a coordinator that has;
//! * *operator*, *barrier*, *journal*: each once per run. A coordinator or a maintainer still has an operator, which bars all later
//!   ones of its changefeed or span; a maintainer still has a block event from before the end of the faults; a dispatcher manager
//!   still keeps a request that was begun, which is handed to every later maintainer;
//! * *outside*: in the place of all but *journal*, if only a core has healed, and somebody waits for a node, or over a link, that is broken
//!   for ever. Nodes know each other by etcd alone: one that keeps its session and is out of reach of the others counts as being there;
//! * *still*: each once per run. A changefeed that is paused, failed or removed is maintained or written.

mod reasons;

use sim::{Fault, HostId, StepId, What};

use crate::{
    Actor, Addr, ChangefeedId, Mode, NodeId, Place, Record, Sim, Span, TableId, Ts,
    dispatchers::{ComponentState, Dispatchers},
    etcd::{Key, Progress, Value},
    invariants::{Invariant, Named, Sight, Sort, Violation, kept::Kept, services::Services},
    maintainer::Maintainer,
};
use reasons::Dropped;

const NAME: &str = "recovers";

pub(super) const NAMED: Named = Named {
    name: NAME,
    promise: "after the faults every changefeed that is to run does, nobody is in the middle of anything, and the others are still",
    bugs: &["#5179", "#3411", "#4115", "#1427", "#2670", "#3372"],
    aspects: &[
        ("changefeed", "a changefeed is gone from etcd though nobody asked to remove it"),
        (
            "coverage",
            "when the cluster has settled, a table is not covered by working dispatchers exactly once",
        ),
        ("checkpoint", "the persisted checkpoint does not stand past the end of the faults"),
        (
            "bootstrap",
            "everything is written, and there is no coordinator, or no maintainer, that has bootstrapped",
        ),
        (
            OUTSIDE,
            "one of these, or of the next ones but the journal, where only a core has healed: somebody waits for a node, or over a \
             link, that is broken for ever",
        ),
        ("operator", "an operator of a coordinator or a maintainer is still under way"),
        ("barrier", "a maintainer still has a block event from before the end of the faults"),
        ("journal", "a manager still keeps a request that it had begun"),
        ("still", "a changefeed that is paused, failed or removed has a maintainer, or is written"),
    ],
    sight: Sight::of(&[Sort::Etcd, Sort::Lost]).news(&[
        Sort::Server,
        Sort::Coordinator,
        Sort::Maintainers,
        Sort::Dispatchers,
        Sort::Rows,
        Sort::Messages,
    ]),
    make: || Box::new(Recovers::default()),
};
const OUTSIDE: &str = "outside";

#[derive(Default)]
pub(super) struct Recovers {
    /// When the faults ended.
    calm: Option<(StepId, Ts)>,
    /// The hosts that have healed, if others have not.
    core: Option<Vec<HostId>>,
    kept: Kept,
    /// What has been dropped since.
    dropped: Dropped,
}

impl Invariant for Recovers {
    fn observe(&mut self, sim: &Sim, record: &Record, _: &mut Vec<Violation>) {
        self.kept.observe(sim, record, |_, _| {});
        match &record.what {
            What::Fault(fault) if fault.is_the_last() => {
                self.calm = Some((record.id, Ts::at(record.at)));
                self.dropped = Dropped::default();
                if let Fault::Core { hosts } = fault {
                    self.core = Some(hosts.clone());
                }
            }
            _ => self.dropped.observe(record),
        }
    }

    fn settled(&mut self, sim: &Sim, found: &mut Vec<Violation>) {
        let Some(services) = Services::of(sim) else { return };
        let settled = Settled { sim, services, dropped: &self.dropped, core: self.core.as_deref() };
        let because: Vec<StepId> = self.calm.iter().map(|(step, _)| *step).collect();
        let mut outside = false;
        let mut report = |(aspect, what): Wrong| {
            // Whatever else waits for the same node says nothing more.
            if aspect != OUTSIDE || !std::mem::replace(&mut outside, true) {
                found.push(Violation { invariant: NAME, aspect, what, because: because.clone() });
            }
        };
        let calm = self.calm.map(|(_, calm)| calm);
        for (cf, _) in self.kept.iter() {
            settled.recovered(cf, calm).err().into_iter().for_each(&mut report);
        }
        settled.unfinished_operator().into_iter().for_each(&mut report);
        settled.unfinished_barrier(calm).into_iter().for_each(&mut report);
        settled.kept_request().into_iter().for_each(&mut report);
        settled.restless().into_iter().for_each(&mut report);
    }
}

/// What is wrong: which part of the promise, and how.
type Wrong = (&'static str, String);

/// A cluster that has had its time.
struct Settled<'a> {
    sim: &'a Sim,
    services: Services<'a>,
    dropped: &'a Dropped,
    core: Option<&'a [HostId]>,
}

impl<'a> Settled<'a> {
    /// Whether a changefeed that is to run does.
    fn recovered(&self, cf: ChangefeedId, calm: Option<Ts>) -> Result<(), Wrong> {
        self.recovered_somehow(cf, calm).map_err(|(aspect, what)| (self.or_outside(aspect, cf), what))
    }

    /// What is told instead of an aspect, if the changefeed waits for a node that has not healed.
    fn or_outside(&self, aspect: &'static str, cf: ChangefeedId) -> &'static str {
        if self.waits_outside(cf) { OUTSIDE } else { aspect }
    }

    fn recovered_somehow(&self, cf: ChangefeedId, calm: Option<Ts>) -> Result<(), Wrong> {
        if self.services.etcd.get(Key::Info(cf)).is_none() {
            return Err(("changefeed", format!("{cf} is gone from etcd, and nobody asked for that")));
        }
        let Some(checkpoint) = self.checkpoint(cf) else { return Ok(()) };
        for table in self.services.tables(checkpoint) {
            self.one_writer(cf, table, Mode::Default)?;
            if self.has_redo(cf) {
                self.one_writer(cf, table, Mode::Redo)?;
            }
        }
        if let Some(calm) = calm
            && checkpoint <= calm
        {
            let what = format!("the checkpoint of {cf} stands at {checkpoint}, not past the calm at {calm}");
            return Err(("checkpoint", format!("{what}; {}", self.why(cf))));
        }
        self.maintained(cf)
    }

    /// The persisted checkpoint of a changefeed that is to run.
    fn checkpoint(&self, cf: ChangefeedId) -> Option<Ts> {
        let job = self.services.job(cf)?;
        self.is_to_run(cf).then_some(job.checkpoint)
    }

    fn is_to_run(&self, cf: ChangefeedId) -> bool {
        let removing = self.services.job(cf).is_none_or(|job| job.progress == Progress::Removing);
        match self.services.etcd.get(Key::Info(cf)).map(|kv| &kv.value) {
            Some(Value::Info(info)) => info.state.should_run() && !removing,
            _ => false,
        }
    }

    /// The parts of processes that run.
    fn up(&self) -> impl Iterator<Item = (Addr, &'a Actor)> {
        let sim = self.sim;
        sim.machines().filter(|(addr, _)| sim.is_running(sim.host_of(*addr)))
    }

    /// Those that have healed: what they are in the middle of has to end.
    fn healed(&self) -> impl Iterator<Item = (Addr, &'a Actor)> {
        self.up().filter(|(addr, _)| !self.is_outside(*addr))
    }

    fn is_outside(&self, addr: Addr) -> bool {
        self.core.is_some_and(|core| !core.contains(&self.sim.host_of(addr)))
    }

    fn dispatchers(&self) -> impl Iterator<Item = (NodeId, &'a Dispatchers)> {
        self.up().filter_map(|(addr, actor)| match actor {
            Actor::Dispatchers(all) => Some((addr.node()?, &**all)),
            _ => None,
        })
    }

    /// The maintainers that are registered, each with the node where it is.
    fn maintainers(&self, cf: ChangefeedId) -> impl Iterator<Item = (NodeId, &'a Maintainer)> {
        self.up().filter_map(move |(addr, actor)| match actor {
            Actor::Maintainers(all) => Some((addr.node()?, all.registered(cf)?)),
            _ => None,
        })
    }

    /// Whether somebody writes a redo log of a changefeed.
    fn has_redo(&self, cf: ChangefeedId) -> bool {
        let mut managers = self.dispatchers().flat_map(|(_, all)| all.managers());
        managers.any(|manager| manager.changefeed() == cf && manager.is_open() && manager.has_redo())
    }

    /// The working dispatchers of a table cover it exactly; its redo dispatchers do so by themselves.
    fn one_writer(&self, cf: ChangefeedId, table: TableId, mode: Mode) -> Result<(), Wrong> {
        let kind = if mode == Mode::Redo { "redo dispatcher" } else { "dispatcher" };
        let mut working: Vec<(Span, String)> = Vec::new();
        for (node, all) in self.dispatchers() {
            for manager in all.managers().filter(|manager| manager.changefeed() == cf && manager.is_open()) {
                let here =
                    manager.dispatchers().filter(|one| one.span().table == table && one.mode() == mode);
                let here = here.filter(|one| one.state() == ComponentState::Working && one.is_fed());
                working.extend(here.map(|one| (one.span(), format!("{} on {node}", one.id()))));
            }
        }
        working.sort();
        let mut covered = 0;
        for (span, _) in &working {
            if span.from != covered {
                let others: Vec<&str> = working.iter().map(|(_, who)| who.as_str()).collect();
                let what = format!(
                    "the working {kind}s of {table} of {cf} do not cover it once: {}",
                    others.join(", ")
                );
                return Err(("coverage", what));
            }
            covered = span.to;
        }
        if covered != Span::KEYS {
            return Err(("coverage", format!("{table} of {cf} has no working {kind}; {}", self.why(cf))));
        }
        Ok(())
    }

    /// Whether a coordinator has bootstrapped, and a maintainer of the changefeed.
    fn maintained(&self, cf: ChangefeedId) -> Result<(), Wrong> {
        let coordinated = self.up().any(|(_, actor)| match actor {
            Actor::Coordinator(one) => one.leads() && one.is_initialized(),
            _ => false,
        });
        let mut maintainers = self.maintainers(cf);
        let what = match maintainers.any(|(_, one)| one.is_working() && one.is_trigger_active()) {
            _ if !coordinated => format!("no coordinator has bootstrapped, which {cf} needs"),
            true => return Ok(()),
            false => format!("{cf} has no maintainer that has bootstrapped"),
        };
        Err(("bootstrap", format!("{what}; {}", self.why(cf))))
    }

    fn unfinished_operator(&self) -> Option<Wrong> {
        self.healed().find_map(|(addr, actor)| match actor {
            Actor::Coordinator(one) => {
                let (cf, name) = one.operators().next()?;
                let reason = self.first(addr, cf, one.pending());
                Some((
                    self.or_outside("operator", cf),
                    format!("{addr} still has the operator {name} of {cf}{reason}"),
                ))
            }
            Actor::Maintainers(all) => {
                let one = all.all().find(|one| one.is_working() && one.operators() > 0)?;
                let (count, cf) = (one.operators(), one.changefeed());
                let what = format!("the maintainer of {cf} at {addr} still has {count} operators");
                Some((
                    self.or_outside("operator", cf),
                    format!("{what}{}", self.first(addr, cf, one.pending())),
                ))
            }
            _ => None,
        })
    }

    fn unfinished_barrier(&self, calm: Option<Ts>) -> Option<Wrong> {
        self.healed().find_map(|(addr, actor)| {
            let Actor::Maintainers(all) = actor else { return None };
            all.all().filter(|one| one.is_working()).find_map(|one| {
                let (ts, cf) = (one.barriers_before(calm?).next()?, one.changefeed());
                let what =
                    format!("the maintainer of {cf} at {addr} is not through with the block event of {ts}");
                Some((
                    self.or_outside("barrier", cf),
                    format!("{what}{}", self.first(addr, cf, one.pending())),
                ))
            })
        })
    }

    fn kept_request(&self) -> Option<Wrong> {
        self.healed().find_map(|(addr, actor)| {
            let Actor::Dispatchers(all) = actor else { return None };
            let manager = all.managers().find(|manager| manager.journalled() > 0)?;
            let (cf, entries) = (manager.changefeed(), manager.journalled());
            Some(("journal", format!("the manager of {cf} at {addr} still keeps {entries} requests")))
        })
    }

    /// Whoever works for a changefeed that is not to run; rather one that waits for nobody outside.
    fn restless(&self) -> Option<Wrong> {
        let state = |cf| match self.services.etcd.get(Key::Info(cf)).map(|kv| &kv.value) {
            Some(Value::Info(info)) => format!("is {}", info.state),
            _ => "is removed".to_owned(),
        };
        let mut wrong: Vec<Wrong> = Vec::new();
        for (addr, actor) in self.healed() {
            match (addr, actor) {
                (Addr::Node(_, Place::Maintainers), Actor::Maintainers(all)) => {
                    for one in all.all().filter(|one| !self.is_to_run(one.changefeed())) {
                        let cf = one.changefeed();
                        let what = format!("{cf} {}, and {addr} has a maintainer of it", state(cf));
                        let what = format!("{what}{}", self.first(addr, cf, one.pending()));
                        wrong.push((self.or_outside("still", cf), what));
                    }
                }
                (Addr::Node(_, Place::Dispatchers), Actor::Dispatchers(all)) => {
                    let cfs = all.managers().map(|manager| manager.changefeed());
                    for cf in cfs.filter(|cf| !self.is_to_run(*cf) && all.writes(*cf)) {
                        let what = format!("{cf} {}, and dispatchers at {addr} write it", state(cf));
                        wrong.push((self.or_outside("still", cf), what));
                    }
                }
                _ => {}
            }
        }
        let at = wrong.iter().position(|(aspect, _)| *aspect != OUTSIDE).unwrap_or(0);
        (at < wrong.len()).then(|| wrong.swap_remove(at))
    }
}
