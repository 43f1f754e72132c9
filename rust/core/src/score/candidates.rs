//! What the filters act on: the row, the claimed token where it joins the row, and the tail behind them.

use super::tail::Tail;
use super::weights::Scale;

/// A claimed token that the row lacks, and whose logprob is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joined {
    pub(super) logprob: f64,
    pub(super) weight: f64,
    /// At most so many ids have a larger logprob.
    pub(super) rank: Option<f64>,
}

/// All that is known of a position's distribution at a temperature.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidates<'a> {
    /// The row, descending; nats.
    pub(super) logprobs: &'a [f32],
    /// The weights of its entries, one each.
    pub(super) weights: &'a [f64],
    pub(super) joined: Option<Joined>,
    pub(super) tail: Tail,
    pub(super) scale: Scale,
    /// Whether the row is the top of the distribution without a gap.
    pub(super) contiguous: bool,
}

impl Candidates<'_> {
    /// The row's smallest logprob; -inf for an empty one.
    pub(super) fn lowest(&self) -> f64 {
        self.logprobs.last().map_or(f64::NEG_INFINITY, |&l| f64::from(l))
    }

    /// Number of the row's entries with a logprob above `logprob`.
    pub(super) fn count_above(&self, logprob: f64) -> usize {
        self.logprobs.partition_point(|&l| f64::from(l) > logprob)
    }

    /// Number of the row's entries with a logprob of at least `logprob`.
    pub(super) fn count_from(&self, logprob: f64) -> usize {
        self.logprobs.partition_point(|&l| f64::from(l) >= logprob)
    }

    /// Whether the joined token has a logprob above `logprob`.
    pub(super) fn joined_above(&self, logprob: f64) -> bool {
        self.joined.is_some_and(|joined| joined.logprob > logprob)
    }

    /// Whether nothing but the row itself can stand above one of its entries.
    pub(super) fn row_is_settled(&self) -> bool {
        self.tail.cap <= self.lowest() && !self.joined_above(self.lowest())
    }
}
