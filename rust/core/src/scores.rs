//! What scoring gives: one value a position in each column.

/// What a score means. The numbers are part of the interface: they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Status {
    /// The answer is known.
    Scored = 0,
    /// The reference gave nothing to compare with. Left out of every rate.
    Unscored = 1,
    /// Temperature above 0 without the sampler's noise: only likelihoods are known.
    Unreplayed = 2,
    /// The provider's own filters exclude the claimed token.
    Filtered = 3,
    /// The claimed token lost for certain, but how far is only bounded.
    Censored = 4,
    /// What the row shows does not settle whether the claimed token lost. Left out of every rate.
    Undecided = 5,
}

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
