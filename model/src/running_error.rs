//! An error of a changefeed, and the node that it came up on.

use std::fmt;

use crate::{
    NodeId,
    hear::{Hear, Unheard, Words},
    vocabulary::Say,
};

/// What is wrong, and where. The same on another node is another error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunningError {
    /// What is wrong.
    pub text: &'static str,
    /// The node that has reported it; none if nobody has.
    pub node: Option<NodeId>,
}

impl From<&'static str> for RunningError {
    fn from(text: &'static str) -> RunningError {
        RunningError { text, node: None }
    }
}

impl fmt::Display for RunningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl Say for RunningError {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.say(field, f)?;
        self.node.map_or(Ok(()), |node| write!(f, " on={node}"))
    }
}

impl Hear for RunningError {
    fn hear(field: &str, words: &mut Words) -> Result<RunningError, Unheard> {
        let text = <&'static str>::hear(field, words)?;
        Ok(RunningError { text, node: words.next(|word| word.strip_prefix("on=")?.parse().ok()) })
    }
}
