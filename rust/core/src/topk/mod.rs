//! [`TopKBatch`]: ragged rows of top-k logprobs as flat arrays ([`Arrays`], compressed sparse rows), checked once.
//!
//! A row is the **contiguous top** of the distribution: sorted by logprob, descending, equal values by ascending id.
//! Rows that are not sorted are copied and sorted. `contiguous = false` marks rows from string-keyed answers, where
//! colliding keys lose entries silently.

mod arrays;
mod check;
mod duplicates;
mod order;
mod row;

use std::borrow::Cow;

use rayon::prelude::*;

pub use arrays::{Arrays, CLAIMED_TOLERANCE, LARGEST_LOGPROB, UNRESOLVED};
pub use row::Row;

use crate::error::Result;

/// Rows that have been checked and sorted.
#[derive(Debug, Clone)]
pub struct TopKBatch<'a> {
    arrays: Arrays<'a>,
    token_ids: Cow<'a, [u32]>,
    logprobs: Cow<'a, [f32]>,
    improper_rows: usize,
}

impl<'a> TopKBatch<'a> {
    /// Checks the arrays, and sorts the rows where they are not sorted (copying only then).
    ///
    /// # Errors
    /// The first array that breaks the table of [`Arrays`], with the place in it. Among several wrong places the one of
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

    /// The sequence of position `j`, and which of its tokens it is.
    #[must_use]
    pub fn place(&self, j: usize) -> (usize, usize) {
        let offsets = self.arrays.sequence_indptr.unwrap_or(&[0]);
        let starts = |offset: &i64| usize::try_from(*offset).is_ok_and(|start| start <= j);
        // The last of those that start here: the ones before it are empty.
        let sequence = offsets.partition_point(starts).saturating_sub(1);
        let start = offsets.get(sequence).and_then(|&offset| usize::try_from(offset).ok()).unwrap_or(0);
        (sequence, j.saturating_sub(start))
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
