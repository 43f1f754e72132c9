//! One position of a batch.

use super::arrays::{Arrays, UNRESOLVED, offsets};
use crate::exp::exp;
use crate::sum::{mass, mass_may_exceed};

/// A row (with its claimed token) that has more mass than this is no part of a distribution.
const LARGEST_MASS: f64 = 1.01;

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

impl<'a> Row<'a> {
    /// Position `j` of the arrays. Anything out of range counts as missing.
    #[inline]
    pub(super) fn get(arrays: &'a Arrays<'_>, token_ids: &'a [u32], logprobs: &'a [f32], j: usize) -> Self {
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
    pub(super) fn is_improper(&self) -> bool {
        mass_may_exceed(self.logprobs, LARGEST_MASS - self.joined_mass()) && self.mass() > LARGEST_MASS
    }
}
