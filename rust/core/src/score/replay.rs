//! The engine's noise, as a request for it.

use crate::rng::{RowKey, Stream};

/// Whose noise, and where in it each position stands.
#[derive(Debug, Clone, Copy)]
pub struct Replay<'a> {
    /// The rule that makes it.
    pub stream: Stream,
    /// Where each position stands in the stream.
    pub keys: &'a [RowKey],
    /// Draw the noise of all ids below it, the width of the model's logits, to see where an unseen token could have
    /// won; None = not at all.
    pub tail: Option<u32>,
}
