//! How changefeeds are configured. All changefeeds of a run are configured alike.

use crate::sink::Downstream;

/// The configuration of a changefeed, as far as the protocol depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangefeedConfig {
    /// Whether it is to be replicated with low latency rather than high throughput (`performance-mode`).
    pub low_latency: bool,
    /// The downstream (`sink-uri`).
    pub downstream: Downstream,
}
