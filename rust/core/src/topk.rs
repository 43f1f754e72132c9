//! [`TopKBatch`]: ragged rows of top-k logprobs as flat arrays (CSR), checked once.
//!
//! | array | type | length | meaning |
//! |---|---|---|---|
//! | `indptr` | i64 | n + 1 | row j is `[indptr[j], indptr[j+1])`; an empty row = the API gave nothing there |
//! | `token_ids` | u32 | nnz | candidates of the rows; [`UNRESOLVED`] = a string that no single id explains |
//! | `logprobs` | f32 | nnz | natural log of the model's own distribution; -inf allowed |
//! | `claimed` | u32 | n | the provider's token |
//! | `claimed_logprob` | f32 | n | its logprob where the API tells it even outside the row; NaN = unknown |
//! | `claimed_rank` | i32 | n | at most so many ids have a larger logprob; -1 = unknown |
//! | `sequence_indptr` | i64 | m + 1 | positions of sequence i |
//! | `prompt_lengths` | i64 | m | tokens before the first output token |
//!
//! A row is the **contiguous top** of the distribution: sorted by logprob, descending, equal values by ascending id.
//! Rows that are not sorted are copied and sorted. `contiguous = false` marks rows from string-keyed answers, where
//! colliding keys lose entries silently.

mod check;
mod duplicates;
mod order;

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use crate::error::Result;
use crate::exp::exp;
use crate::sum::{mass, mass_may_exceed};

/// The id of a candidate whose string no single token id explains.
pub const UNRESOLVED: u32 = u32::MAX;
/// Rounding may lift a logprob above 0, but not above this.
pub const LARGEST_LOGPROB: f32 = 0.01;
/// A `claimed_logprob` may lie this far above a row that lacks the claimed token.
pub const CLAIMED_TOLERANCE: f32 = 1e-3;
/// A row (with its claimed token) that has more mass than this is no part of a distribution.
const LARGEST_MASS: f64 = 1.01;

/// The arrays of a batch, as the module's table describes them, borrowed and not yet checked.
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

/// Rows that have been checked and sorted.
#[derive(Debug, Clone)]
pub struct TopKBatch<'a> {
    arrays: Arrays<'a>,
    token_ids: Cow<'a, [u32]>,
    logprobs: Cow<'a, [f32]>,
    improper_rows: usize,
}

/// One position: the row's candidates, sorted, and the claimed token.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Ids of the candidates.
    pub token_ids: &'a [u32],
    /// Their logprobs, descending; equal values by ascending id.
    pub logprobs: &'a [f32],
    /// The provider's token.
    pub claimed: u32,
    arrays: &'a Arrays<'a>,
    position: usize,
}

impl<'a> TopKBatch<'a> {
    /// Checks the arrays, and sorts the rows where they are not sorted (copying only then).
    ///
    /// # Errors
    /// The first array that breaks the module's table, with the place in it. Among several wrong places the one of
    /// the lowest position is named, on any number of threads.
    pub fn new(arrays: Arrays<'a>) -> Result<Self> {
        check::shapes(&arrays)?;
        let report = check::rows(&arrays)?;
        let mut batch = Self::assume_checked(arrays, report.improper_rows)?;
        if !report.sorted {
            let (token_ids, logprobs) = order::sorted_copies(arrays.indptr, arrays.token_ids, arrays.logprobs);
            (batch.token_ids, batch.logprobs) = (Cow::Owned(token_ids), Cow::Owned(logprobs));
            batch.improper_rows = batch.count_improper_rows();
        }
        Ok(batch)
    }

    /// A batch of arrays that have passed [`TopKBatch::new`] before and are sorted.
    ///
    /// Only the lengths are checked again. Arrays that break the promise give wrong numbers, but never a panic.
    ///
    /// # Errors
    /// Arrays whose lengths contradict each other.
    pub fn assume_checked(arrays: Arrays<'a>, improper_rows: usize) -> Result<Self> {
        check::lengths(&arrays)?;
        Ok(Self {
            arrays,
            token_ids: Cow::Borrowed(arrays.token_ids),
            logprobs: Cow::Borrowed(arrays.logprobs),
            improper_rows,
        })
    }

    /// Number of positions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arrays.claimed.len()
    }

    /// Whether there is no position.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arrays.claimed.is_empty()
    }

    /// Whether the rows are the top of the distribution without a gap.
    #[must_use]
    pub fn contiguous(&self) -> bool {
        self.arrays.contiguous
    }

    /// Number of rows whose candidates have a mass above 1.01. Their scores are computed all the same.
    #[must_use]
    pub fn improper_rows(&self) -> usize {
        self.improper_rows
    }

    /// The position `j`; an empty row where `j` is out of range.
    #[inline]
    #[must_use]
    pub fn row(&self, j: usize) -> Row<'_> {
        Row::get(&self.arrays, &self.token_ids, &self.logprobs, j)
    }

    /// The sorted copies of `token_ids` and `logprobs`; None where the rows came sorted.
    #[must_use]
    pub fn into_sorted(self) -> Option<(Vec<u32>, Vec<f32>)> {
        match (self.token_ids, self.logprobs) {
            (Cow::Owned(token_ids), Cow::Owned(logprobs)) => Some((token_ids, logprobs)),
            _ => None,
        }
    }

    fn count_improper_rows(&self) -> usize {
        (0..self.len()).into_par_iter().filter(|&j| self.row(j).is_improper()).count()
    }
}

impl<'a> Row<'a> {
    /// Position `j` of the arrays. Anything out of range counts as missing.
    #[inline]
    fn get(arrays: &'a Arrays<'_>, token_ids: &'a [u32], logprobs: &'a [f32], j: usize) -> Self {
        let range = offsets(arrays.indptr, j);
        Self {
            token_ids: token_ids.get(range.clone()).unwrap_or_default(),
            logprobs: logprobs.get(range).unwrap_or_default(),
            claimed: arrays.claimed.get(j).copied().unwrap_or(UNRESOLVED),
            arrays,
            position: j,
        }
    }

    /// Logprob of the claimed token; NaN = unknown. Where the row has the token, the row's value counts.
    #[inline]
    #[must_use]
    pub fn claimed_logprob(&self) -> f32 {
        self.arrays.claimed_logprob.and_then(|array| array.get(self.position)).copied().unwrap_or(f32::NAN)
    }

    /// At most so many ids have a larger logprob than the claimed token; -1 = unknown.
    #[inline]
    #[must_use]
    pub fn claimed_rank(&self) -> i32 {
        self.arrays.claimed_rank.and_then(|array| array.get(self.position)).copied().unwrap_or(-1)
    }

    /// Logprob of the claimed token if it leads the row: the first entry is the arg-max with the lowest id. None where
    /// every value is -inf.
    #[inline]
    #[must_use]
    pub fn claimed_top(&self) -> Option<f32> {
        let (&first, &top) = (self.token_ids.first()?, self.logprobs.first()?);
        (first == self.claimed && top > f32::NEG_INFINITY).then_some(top)
    }

    /// Where the row has the claimed token.
    #[inline]
    #[must_use]
    pub fn find_claimed(&self) -> Option<usize> {
        self.token_ids.iter().position(|&id| id == self.claimed)
    }

    /// Mass of all candidates: the row's entries and the claimed token, if it joins them.
    #[must_use]
    pub fn mass(&self) -> f64 {
        mass(self.logprobs) + self.joined_mass()
    }

    /// Mass of a claimed token that the row lacks; 0 if its logprob is unknown.
    ///
    /// One that has exactly the logprob of an unresolved entry is taken to be that entry.
    #[inline]
    fn joined_mass(&self) -> f64 {
        let logprob = self.claimed_logprob();
        if logprob.is_nan() || self.find_claimed().is_some() {
            return 0.0;
        }
        let mut entries = self.token_ids.iter().zip(self.logprobs);
        if entries.any(|(&id, &l)| id == UNRESOLVED && l == logprob) { 0.0 } else { exp(f64::from(logprob)) }
    }

    /// Whether the candidates have more mass than a distribution can.
    #[inline]
    fn is_improper(&self) -> bool {
        mass_may_exceed(self.logprobs, LARGEST_MASS - self.joined_mass()) && self.mass() > LARGEST_MASS
    }
}

/// Entries of row `j`; an empty range where the offsets make no sense.
#[inline]
fn offsets(indptr: &[i64], j: usize) -> Range<usize> {
    let offset = |j: usize| indptr.get(j).and_then(|&offset| usize::try_from(offset).ok()).unwrap_or(0);
    offset(j)..offset(j.saturating_add(1))
}
