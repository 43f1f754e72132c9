//! What scoring gives: one value a position in each column.

use super::status::Status;

/// One value a position in each column; NaN = unknown, +inf = unbounded.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Scores {
    /// The claimed token is the reference token.
    pub exact_match: Vec<bool>,
    /// Probability of the claimed token.
    pub prob: Vec<f32>,
    /// How far the claimed token was from being chosen, in nats; +inf where absent.
    pub margin: Vec<f32>,
    /// `margin`, or a lower bound of it where it is censored.
    pub margin_bound: Vec<f32>,
    /// Number of candidates with a larger logprob.
    pub logit_rank: Vec<f32>,
    /// A [`Status`] as its number.
    pub status: Vec<u8>,
}

impl Scores {
    /// Columns of zeros for so many positions.
    pub(crate) fn zeros(positions: usize) -> Self {
        Self {
            exact_match: vec![false; positions],
            prob: vec![0.0; positions],
            margin: vec![0.0; positions],
            margin_bound: vec![0.0; positions],
            logit_rank: vec![0.0; positions],
            status: vec![Status::Scored as u8; positions],
        }
    }
}

/// One value a position in each column, as in [`Scores`].
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct SampledScores {
    /// The claimed token is the best of the candidates.
    pub exact_match: Vec<bool>,
    /// Its probability under temperature and filters.
    pub prob: Vec<f32>,
    /// How far it was from being chosen, in nats of logprob (not divided by the temperature).
    pub margin: Vec<f32>,
    /// `margin`, or a lower bound of it.
    pub margin_bound: Vec<f32>,
    /// Number of candidates with a larger logprob.
    pub logit_rank: Vec<f32>,
    /// Number of kept candidates with a larger z.
    pub gumbel_rank: Vec<f32>,
    /// How unlikely it was, compared with what an honest sampler draws.
    pub surprise: Vec<f32>,
    /// A [`Status`] as its number.
    pub status: Vec<u8>,
    /// Where it lies in the distribution, in [0, 1]: uniform for an honest sampler; None where noise was replayed.
    pub percentile: Option<Vec<f32>>,
    /// Whether an unseen token could have won; None where the tail was not replayed.
    pub rival_possible: Option<Vec<bool>>,
}
