//! What a gate came to: as text, Markdown, JUnit, annotations of GitHub, and JSON from which the reports of shards are joined.

mod annotations;
mod junit;
mod markdown;
mod merge;
mod report;
mod text;

pub use annotations::annotations;
pub use junit::junit;
pub use markdown::markdown;
pub use merge::merge;
pub use report::{Case, Found, FreshSeeds, GATE, Known, Report, Run, ShardOf, Status};
pub use text::{progress, text};
