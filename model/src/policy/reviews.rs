//! What reviews of pull requests about the maintainer objected to: R1 to R22, each with the mutants that make the mistake.

/// An objection.
#[derive(Clone, Copy, Debug)]
pub struct Review {
    /// Its number.
    pub id: &'static str,
    /// The pull request.
    pub pull: &'static str,
    /// The behaviour that was objected to.
    pub mistake: &'static str,
    /// What of it is here.
    pub made: Made,
}

/// How an objection is represented.
#[derive(Clone, Copy, Debug)]
pub enum Made {
    /// By these mutants.
    By(&'static [&'static str]),
    /// It was rejected: what was objected to is what all versions do, and there is no mistake to make.
    Shipped(&'static str),
}

/// All of them.
pub const REVIEWS: &[Review] = &[
    Review {
        id: "R1",
        pull: "#5181",
        mistake: "an epoch of zero matches, whichever side has it (the mutant is what was asked for instead)",
        made: Made::By(&["M8"]),
    },
    Review {
        id: "R2",
        pull: "#5181",
        mistake: "a move captures the epoch of its target too early",
        made: Made::By(&["M7"]),
    },
    Review {
        id: "R3",
        pull: "#5181",
        mistake: "who is unknown or a duplicate is told to go without an epoch",
        made: Made::By(&["M6"]),
    },
    Review {
        id: "R4",
        pull: "#5181",
        mistake: "a stale close is acknowledged (the mutant is what was asked for instead)",
        made: Made::By(&["M5"]),
    },
    Review {
        id: "R5",
        pull: "#5181",
        mistake: "answers without an epoch are not believed",
        made: Made::By(&["M9"]),
    },
    Review {
        id: "R6",
        pull: "#5435",
        mistake: "answers without an epoch are believed",
        made: Made::Shipped("old nodes answer so; what was asked for instead is R5"),
    },
    Review {
        id: "R7",
        pull: "#5181",
        mistake: "a late status ends a stop that is another node's by now",
        made: Made::By(&["M10"]),
    },
    Review {
        id: "R8",
        pull: "#5181",
        mistake: "a coordinator adopts an epoch that is smaller than the persisted one",
        made: Made::By(&["M11"]),
    },
    Review {
        id: "R9",
        pull: "#5181",
        mistake: "what is not known of a changefeed is taken for granted",
        made: Made::By(&["M12"]),
    },
    Review {
        id: "R10",
        pull: "#5182",
        mistake: "the lock of all managers is held while one of them is waited for",
        made: Made::By(&["M1", "M2"]),
    },
    Review {
        id: "R11",
        pull: "#5182",
        mistake: "a changefeed that is resumed keeps its error",
        made: Made::By(&["R11"]),
    },
    Review {
        id: "R12",
        pull: "#5435",
        mistake: "a maintainer is closed under the mutex of the registry",
        made: Made::Shipped("closing only cancels, and takes no time"),
    },
    Review {
        id: "R13",
        pull: "#5436",
        mistake: "a post-bootstrap that ends early keeps the fence mutex",
        made: Made::By(&["M13"]),
    },
    Review {
        id: "R14",
        pull: "#5436",
        mistake: "a closed write path is reported as an error",
        made: Made::By(&["M14"]),
    },
    Review {
        id: "R15",
        pull: "#5436",
        mistake: "the owner changes before its table trigger has been looked at",
        made: Made::By(&["MU-46"]),
    },
    Review {
        id: "R16",
        pull: "#5403",
        mistake: "a maintainer that is being removed mends what statuses show",
        made: Made::By(&["M20"]),
    },
    Review {
        id: "R17",
        pull: "#5403",
        mistake: "operators that a removal freezes are dropped",
        made: Made::By(&["R17"]),
    },
    Review {
        id: "R18",
        pull: "#5106",
        mistake: "a fence takes the redo sink for granted, and knows a closed write path by its text",
        made: Made::By(&["M15", "M16"]),
    },
    Review {
        id: "R19",
        pull: "#5106",
        mistake: "what is created while a node fences itself is there afterwards",
        made: Made::By(&["M23"]),
    },
    Review {
        id: "R20",
        pull: "#3691, #4453",
        mistake: "what a predecessor was creating for a table that is gone is created",
        made: Made::By(&["R20"]),
    },
    Review {
        id: "R21",
        pull: "#4543",
        mistake: "the sources of a merge may be scheduled again before they are gone",
        made: Made::By(&["R21"]),
    },
    Review {
        id: "R22",
        pull: "#4869, #4874",
        mistake: "a dispatcher that has stopped on purpose is replaced",
        made: Made::By(&["R22"]),
    },
];
