//! The arrays of a batch as they are passed in, and the values that they may hold.

use std::ops::Range;

/// The id of a candidate whose string no single token id explains.
pub const UNRESOLVED: u32 = u32::MAX;
/// Rounding may lift a logprob above 0, but not above this.
pub const LARGEST_LOGPROB: f32 = 0.01;
/// A `claimed_logprob` may lie this far above a row that lacks the claimed token.
pub const CLAIMED_TOLERANCE: f32 = 1e-3;

/// The arrays of a batch, borrowed and not yet checked.
///
/// | array | type | length | meaning |
/// |---|---|---|---|
/// | `indptr` | i64 | n + 1 | row j is `[indptr[j], indptr[j+1])`; an empty row = the API gave nothing there |
/// | `token_ids` | u32 | nnz | candidates of the rows; [`UNRESOLVED`] = a string that no single id explains |
/// | `logprobs` | f32 | nnz | natural log of the model's own distribution; -inf allowed |
/// | `claimed` | u32 | n | the provider's token |
/// | `claimed_logprob` | f32 | n | its logprob where the API tells it even outside the row; NaN = unknown |
/// | `claimed_rank` | i32 | n | at most so many ids have a larger logprob; -1 = unknown |
/// | `sequence_indptr` | i64 | m + 1 | positions of sequence i |
/// | `prompt_lengths` | i64 | m | tokens before the first output token |
#[derive(Debug, Clone, Copy)]
pub struct Arrays<'a> {
    /// Offsets of the rows.
    pub indptr: &'a [i64],
    /// Ids of the candidates.
    pub token_ids: &'a [u32],
    /// Logprobs of the candidates.
    pub logprobs: &'a [f32],
    /// The claimed tokens.
    pub claimed: &'a [u32],
    /// Their logprobs; None = all unknown.
    pub claimed_logprob: Option<&'a [f32]>,
    /// Their ranks; None = all unknown.
    pub claimed_rank: Option<&'a [i32]>,
    /// Offsets of the sequences; None = one sequence.
    pub sequence_indptr: Option<&'a [i64]>,
    /// Lengths of the prompts; None = unknown.
    pub prompt_lengths: Option<&'a [i64]>,
    /// Whether rows are the top of the distribution without a gap.
    pub contiguous: bool,
}

impl Default for Arrays<'_> {
    /// No positions; contiguous.
    fn default() -> Self {
        Self {
            indptr: &[0],
            token_ids: &[],
            logprobs: &[],
            claimed: &[],
            claimed_logprob: None,
            claimed_rank: None,
            sequence_indptr: None,
            prompt_lengths: None,
            contiguous: true,
        }
    }
}

/// Entries of row `j`; an empty range where the offsets make no sense.
#[inline]
pub(super) fn offsets(indptr: &[i64], j: usize) -> Range<usize> {
    let offset = |j: usize| indptr.get(j).and_then(|&offset| usize::try_from(offset).ok()).unwrap_or(0);
    offset(j)..offset(j.saturating_add(1))
}
