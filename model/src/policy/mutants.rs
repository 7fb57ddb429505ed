//! Mutants: single mistakes that reviews of the real pull requests found or feared. The worth of the testbed is measured
//! by how many of them its scenarios detect (docs/mutants.md).

/// A mistake, as a policy.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// What reviewers call it; it is a name for its policy.
    pub id: &'static str,
    /// The policy that it is a mistake in: what holds there and not here gives it away.
    pub beside: &'static str,
    /// The mistake made: `beside` with other switches, or a version that had it.
    pub policy: &'static str,
    /// What goes wrong in it, and where that was found.
    pub about: &'static str,
}

/// All mutants.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        id: "MU-30",
        beside: "master",
        policy: "master+coordinator.next_epoch=candidate",
        about: "an epoch may be smaller than the one before (#5434)",
    },
    Mutant {
        id: "M-H7",
        beside: "master",
        policy: "master+coordinator.warning_stop=new",
        about: "a maintainer that has reported an error is stopped with the epoch of the next one, and does not obey (#5182)",
    },
    Mutant {
        id: "M1",
        beside: "master",
        policy: "master+orchestrator.bootstrap_map_lock=held",
        about: "a bootstrap waits for a manager's fence mutex with the lock of all managers in its hand (#5182)",
    },
    Mutant {
        id: "M2",
        beside: "master",
        policy: "master+orchestrator.close_map_lock=held",
        about: "a close waits for a manager's fence mutex with the lock of all managers in its hand (#5182)",
    },
    Mutant {
        id: "M3",
        beside: "master",
        policy: "master+orchestrator.shards=unserialized",
        about: "nobody looks whether the manager that was waited for is still registered, and no queue orders the requests \
                of a changefeed (#5182)",
    },
    Mutant {
        id: "M4",
        beside: "master",
        policy: "master+dispatchers.journal_key=dispatcher_and_generation",
        about: "two requests for one dispatcher are under way, if they are of different generations (text of #5182)",
    },
    Mutant {
        id: "M5",
        beside: "master",
        policy: "master+orchestrator.close_fence=stale_refused",
        about: "a stale close is answered with a failure: the old maintainer asks for ever (#5181)",
    },
    Mutant {
        id: "M6",
        beside: "master",
        policy: "master+coordinator.orphan_epoch=none+coordinator.stale_epoch=none",
        about: "a maintainer of an unknown changefeed or of another generation is told to go without its epoch (#5181)",
    },
    Mutant {
        id: "M7",
        beside: "master",
        policy: "master+coordinator.move_epoch=on_the_way_out",
        about: "a move that turns back to its origin, because its target has left, carries no epoch (#5181)",
    },
    Mutant {
        id: "M8",
        beside: "master",
        policy: "master+coordinator.add_check=exact_epoch",
        about: "what the review asked for: a status without an epoch does not end an add that has one (#5181)",
    },
    Mutant {
        id: "M9",
        beside: "master",
        policy: "master+maintainer.response_fence=exact_epoch",
        about: "a maintainer with an epoch does not believe answers without one (#5181)",
    },
    Mutant {
        id: "M10",
        beside: "master",
        policy: "master+coordinator.stop_end=two_steps",
        about: "between the look at a status and the end of a stop the stop may become another node's (#5181)",
    },
    Mutant {
        id: "M11",
        beside: "master",
        policy: "master+coordinator.adoption=reported_epoch",
        about: "a maintainer of an older generation than is persisted is taken for the owner (#5181)",
    },
    Mutant {
        id: "M12",
        beside: "master",
        policy: "master+coordinator.unknown_changefeed=dereferenced",
        about: "a status of a changefeed that is being removed is a panic (#5181)",
    },
    Mutant {
        id: "M-5181-7",
        beside: "master",
        policy: "master+coordinator.stop_check=sender_up_to_epoch",
        about: "a stop ends by the status of a maintainer of an earlier generation on the same node (#5181)",
    },
    Mutant {
        id: "M-5181-10",
        beside: "master",
        policy: "master+coordinator.move_remove_epoch=present",
        about: "a move tells its origin the epoch that has been persisted for the target, and is not obeyed (#5181)",
    },
    Mutant {
        id: "M-5181-8",
        beside: "master",
        policy: "master+coordinator.add_epoch=constructed",
        about: "an add tells the epoch of when it was made, before a new one is persisted for it (#5181)",
    },
    Mutant {
        id: "M13",
        beside: "master",
        policy: "master+orchestrator.mutex_release=not_on_early_return",
        about: "a post-bootstrap that ends early keeps the fence mutex (#5436)",
    },
    Mutant {
        id: "M14",
        beside: "master",
        policy: "master+orchestrator.closed_path_error=reported",
        about: "a maintainer is told of an error when the write path is closed (#5436)",
    },
    Mutant {
        id: "M15",
        beside: "master",
        policy: "master+orchestrator.redo_sink_check=missing",
        about: "a fence takes the redo sink for granted while redo is not yet built (#5106)",
    },
    Mutant {
        id: "M16",
        beside: "master",
        policy: "master+orchestrator.closed_path_error=by_substring",
        about: "a closed write path is recognized by the text of its error (#5106)",
    },
    Mutant {
        id: "M17",
        beside: "master",
        policy: "master+dispatchers.redo_meta_gate=always",
        about: "the redo meta is still updated when the write path is closed (#5106)",
    },
    Mutant {
        id: "M20",
        beside: "master",
        policy: "master+maintainer.remove_self_heal=heals",
        about: "a maintainer that is being removed mends what statuses show (merge conflict of #5403)",
    },
    Mutant {
        id: "M21",
        beside: "master",
        policy: "master+orchestrator.bootstrap_mutex=held",
        about: "a fence waits until the downstream has been told of all tables (#5106)",
    },
    Mutant {
        id: "M22",
        beside: "master",
        policy: "master+orchestrator.fence_cleanup=awaited",
        about: "a fence waits until the goroutines of one manager have ended before it fences the next (#5106)",
    },
    Mutant {
        id: "M23",
        beside: "master",
        policy: "master+orchestrator.publication=unchecked",
        about: "what took long to build is published on a manager that was fenced meanwhile (#5106)",
    },
    Mutant {
        id: "M24",
        beside: "master",
        policy: "master+orchestrator.tombstone=stale_closes",
        about: "a stale close that is only acknowledged counts as a close (#5435)",
    },
    Mutant {
        id: "M25",
        beside: "master",
        policy: "master+orchestrator.tombstone=epoch_zero",
        about: "a pause without an epoch leaves a mark that no resume without one gets past (#5435)",
    },
    Mutant {
        id: "M26",
        beside: "master",
        policy: "master+orchestrator.pending_queue=newer_epoch_or_removal_wins",
        about: "a stale close that removes takes the place of a newer one that does not (#5435)",
    },
    Mutant {
        id: "M27",
        beside: "master",
        policy: "master+dispatchers.merge_journal_entry=pointer",
        about: "a maintainer of the same process changes what the merge journal keeps (test of #3769)",
    },
    Mutant {
        id: "M28",
        beside: "master",
        policy: "master+dispatchers.merge_journal_key=any",
        about: "the merge journal keeps a merge that names no target (test of #3769)",
    },
    Mutant {
        id: "MU-46",
        beside: "master",
        policy: "master+orchestrator.takeover_order=owner_first",
        about: "the owner changes before its table trigger has been looked at (#5436)",
    },
    Mutant {
        id: "MU-48",
        beside: "master",
        policy: "master+dispatchers.stale_removes=omitted",
        about: "a maintainer is not told of the removals that its predecessor has begun (draft #5182)",
    },
    Mutant {
        id: "MC-25",
        beside: "master",
        policy: "master+orchestrator.removal_intent=first_close",
        about: "a close that removes is lost if the closing has begun without it (#4604)",
    },
    Mutant {
        id: "MU-57",
        beside: "master",
        policy: "master+dispatchers.merge_journal_end=committed",
        about: "a merge is forgotten when its target takes over, while its sources are still there (#3769)",
    },
    Mutant {
        id: "MU-58",
        beside: "master",
        policy: "master+dispatchers.merge_journal_moment=received",
        about: "a merge of an earlier owner is written down, though it is refused (#3769)",
    },
    Mutant {
        id: "R20",
        beside: "master",
        policy: "master+maintainer.stale_create=restored",
        about: "a dispatcher that a predecessor was creating for a table that is gone is created (#3691, #4453)",
    },
    Mutant {
        id: "MC-21",
        beside: "master",
        policy: "master+maintainer.journal=ignored+maintainer.unasked_end=ignored",
        about: "what a predecessor had begun is not taken up, and the end of a dispatcher that nobody asked for is not heard (#3691)",
    },
    Mutant {
        id: "MU-19",
        beside: "master",
        policy: "master+maintainer.remove_node_change=follows",
        about: "a maintainer that is removed follows the node set (#4828)",
    },
    Mutant {
        id: "MU-20",
        beside: "master",
        policy: "master+maintainer.remove_block_status=handled+maintainer.remove_resend=resends",
        about: "a maintainer that hands over goes on with block events and bootstraps (#4828)",
    },
    Mutant {
        id: "MU-39",
        beside: "master",
        policy: "master+maintainer.add_admission=older",
        about: "a maintainer that still works is replaced, and goes on beside its successor (#5435)",
    },
    Mutant {
        id: "MU-68",
        beside: "master",
        policy: "master+maintainer.heartbeat_order=statuses_first+maintainer.checkpoint_order=watermarks_first",
        about: "an operator ends before the watermark is known that its dispatcher lowers (#2864)",
    },
    Mutant {
        id: "MU-69",
        beside: "master",
        policy: "master+maintainer.watermark=higher",
        about: "a lower watermark of a later sequence is not believed (#2945)",
    },
    Mutant {
        id: "MU-74",
        beside: "master",
        policy: "master+maintainer.early_removal=obeyed",
        about: "a maintainer that has not bootstrapped is handed over, and never does (#4114)",
    },
    Mutant {
        id: "R11",
        beside: "master",
        policy: "master+coordinator.resume_error=kept",
        about: "a changefeed that is resumed keeps its error (#5182)",
    },
    Mutant {
        id: "R17",
        beside: "master",
        policy: "master+maintainer.quiesced_operators=dropped",
        about: "operators that a removal freezes are dropped, and hold the checkpoint back no longer (text of #5403)",
    },
    Mutant {
        id: "R21",
        beside: "master",
        policy: "master+maintainer.occupy_release=early",
        about: "the sources of a merge may be scheduled again before they are gone (#4543)",
    },
    Mutant {
        id: "R22",
        beside: "pr-5106+maintainer.unasked_end=ignored",
        policy: "pr-5106",
        about: "a dispatcher that has stopped on purpose is replaced, if no operator knows why (#4869, #4874)",
    },
    Mutant {
        id: "B1",
        beside: "master",
        policy: "master+maintainer.stopped_in_add=aborts",
        about: "the end of an earlier dispatcher of the same id aborts the creation of the next",
    },
    Mutant {
        id: "B2",
        beside: "master",
        policy: "master+maintainer.move_abort=at_once",
        about: "a move whose destination leaves gives its span to others while its origin still writes",
    },
    Mutant {
        id: "B3",
        beside: "master",
        policy: "master+maintainer.remove_check=not_working",
        about: "a dispatcher that only waits for a merge counts as removed",
    },
    Mutant {
        id: "B4",
        beside: "master",
        policy: "master+maintainer.remove_node=looked_up",
        about: "a dispatcher whose span is marked absent is removed nowhere",
    },
    Mutant {
        id: "B5",
        beside: "master",
        policy: "master+maintainer.affected_check=before_start",
        about: "an operator whose nodes are gone starts all the same",
    },
    Mutant {
        id: "B6",
        beside: "master",
        policy: "master+maintainer.quiesce_admission=crossed",
        about: "what an operator controller has admitted takes effect after its maintainer has begun to be removed (#4828)",
    },
];
