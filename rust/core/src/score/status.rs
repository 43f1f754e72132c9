//! What a score means.

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
