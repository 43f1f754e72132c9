//! Logprobs as weights at a temperature.
//!
//! At temperature T an engine samples token v with probability `exp(l_v / T) / Z`, where Z is the same sum over the
//! support. Only ratios of such terms ever count, so every term may be divided by one number: here by that of the
//! row's first entry, whose logprob is `top`. The *weight* of a token is thus
//!
//! ```text
//! w_v = exp((l_v - top) / T)         1 for the row's first entry, at most 1 in the row
//! ```
//!
//! which cannot overflow in the row, however small T is. Only a token above the row (a claimed token that an API lost
//! from it) can weigh more than 1.

use crate::exp::exp;

/// Exponents above it would leave the range of [`exp`]; whatever is that heavy outweighs the row.
pub(super) const LARGEST_EXPONENT: f64 = 700.0;
/// Lanes of a sum: enough for the compiler to use the vector unit.
const LANES: usize = 4;

/// What turns a logprob into a weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// The temperature T.
    pub(super) temperature: f64,
    /// The row's largest logprob.
    pub(super) top: f64,
}

impl Scale {
    /// ln of the weight of a logprob.
    #[inline]
    pub(super) fn exponent(self, logprob: f64) -> f64 {
        (logprob - self.top) / self.temperature
    }

    /// The weight of a logprob.
    #[inline]
    pub(super) fn weight(self, logprob: f64) -> f64 {
        exp(self.exponent(logprob).min(LARGEST_EXPONENT))
    }
}

/// Sum in four lanes, in an order that the length fixes.
pub(super) fn sum(values: &[f64]) -> f64 {
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane += value;
        }
    }
    (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]) + rest.iter().sum::<f64>()
}
