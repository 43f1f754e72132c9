//! A row of a stream: where it stands, and the slots that its noise goes to.

/// Where a row stands in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RowKey {
    /// The request's seed.
    pub seed: u64,
    /// Position or output step: see [`KeyedBy`](super::KeyedBy).
    pub position: u64,
    /// Row of the engine's batch; 0 unless the stream's batch size is above 1.
    pub batch_row: u32,
}

impl RowKey {
    /// A row of a stream without batches.
    #[must_use]
    pub const fn new(seed: u64, position: u64) -> Self {
        Self { seed, position, batch_row: 0 }
    }
}

/// One row to be filled.
#[derive(Debug)]
pub(super) struct RowRequest<'a> {
    pub(super) key: RowKey,
    /// Token ids (or columns), each below the width of the logits.
    pub(super) ids: &'a [u32],
    /// One slot an id.
    pub(super) out: &'a mut [f64],
}
