//! Which candidates are left, as far as a row tells.
//!
//! Every filter keeps the likelier tokens: if a token survives, so does every token above it. So the tokens that
//! *certainly* survive are the first so many entries of the sorted row, and so are those that *may* survive: two lengths
//! say all that is known of the row.

use super::candidates::Candidates;
use super::tail::Tail;

/// Where a candidate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Certainly outside the support.
    Dropped,
    /// The row does not tell.
    Open,
    /// Certainly in the support.
    Kept,
}

impl Standing {
    /// Certain on either side, or open.
    pub(super) fn of(kept: bool, dropped: bool) -> Self {
        match (kept, dropped) {
            (_, true) => Self::Dropped,
            (true, false) => Self::Kept,
            (false, false) => Self::Open,
        }
    }
}

/// What is left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Support {
    /// The first so many entries of the row are kept.
    pub(super) kept: usize,
    /// The entries from `kept` to here are open, those after it dropped.
    pub(super) open: usize,
    /// Standing of the joined token.
    pub(super) joined: Standing,
    /// What may be left of the tail.
    pub(super) tail: Tail,
    /// Whether an unseen token may be in the support.
    pub(super) reaches: bool,
}

impl Support {
    /// Everything: the support before any filter.
    pub(super) fn everything(candidates: &Candidates<'_>) -> Self {
        let length = candidates.logprobs.len();
        let (tail, reaches) = (candidates.tail, candidates.tail.ids() > 0.0);
        Self { kept: length, open: length, joined: Standing::Kept, tail, reaches }
    }

    /// One more filter keeps the first `kept` entries for certain, and `open` at most. A token is kept if all filters
    /// keep it, so both lengths only ever shrink.
    pub(super) fn limit(&mut self, kept: usize, open: usize) {
        self.kept = self.kept.min(kept);
        self.open = self.open.min(open);
    }

    /// One more filter's word on the joined token; likewise the lower standing counts.
    pub(super) fn limit_joined(&mut self, standing: Standing) {
        self.joined = self.joined.min(standing);
    }

    /// No unseen token is left.
    pub(super) fn drop_tail(&mut self) {
        self.tail = self.tail.none();
        self.reaches = false;
    }
}
