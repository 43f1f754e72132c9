//! What can be wrong with a request to score sampled tokens.

use crate::rng::StreamError;

/// Why sampled tokens could not be scored.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplingError {
    /// A parameter outside its range.
    #[error("{name} is {value}: {range}")]
    OutOfRange {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
    /// Not one key a position.
    #[error("there are {keys} keys of the random stream for {positions} positions: one each is needed")]
    Keys {
        /// Number of keys.
        keys: usize,
        /// Number of positions.
        positions: usize,
    },
    /// The stream cannot give the noise.
    #[error(transparent)]
    Stream(#[from] StreamError),
}
