//! Sums whose bits depend on their input alone.
//!
//! A row's mass is summed in four lanes, each from left to right, joined in a fixed order; who computes it, and on how
//! many threads, does not matter.

use crate::exp::{ROUGH_ERROR, exp, exp_rough};

/// Lanes of a sum: enough for the compiler to use the vector unit.
const LANES: usize = 4;

/// `sum of exp(l)` over the logprobs of a row, in f64. -inf adds nothing.
pub(crate) fn mass(logprobs: &[f32]) -> f64 {
    let (blocks, rest) = logprobs.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for block in blocks {
        for (lane, &logprob) in lanes.iter_mut().zip(block) {
            *lane += exp(f64::from(logprob));
        }
    }
    for (lane, &logprob) in lanes.iter_mut().zip(rest) {
        *lane += exp(f64::from(logprob));
    }
    (lanes[0] + lanes[2]) + (lanes[1] + lanes[3])
}

/// Whether [`mass`] may exceed `limit`: false is certain, true is to be looked into. Much cheaper than `mass`.
#[inline]
pub(crate) fn mass_may_exceed(logprobs: &[f32], limit: f64) -> bool {
    /// So many terms are summed in f32 before the sum goes to f64: their rounding stays under `SUM_ERROR`.
    const TERMS: usize = 256;
    const SUM_ERROR: f64 = 1e-5;

    let rough: f64 = logprobs.chunks(TERMS).map(|terms| f64::from(rough_mass(terms))).sum();
    rough > limit * (1.0 - ROUGH_ERROR - SUM_ERROR)
}

#[inline]
fn rough_mass(logprobs: &[f32]) -> f32 {
    let (blocks, rest) = logprobs.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for block in blocks {
        let terms = block.map(exp_rough);
        for (lane, term) in lanes.iter_mut().zip(terms) {
            *lane += term;
        }
    }
    let rest: f32 = rest.iter().map(|&logprob| exp_rough(logprob)).sum();
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mass_of_every_length_equals_the_plain_sum() {
        let logprobs: Vec<f32> = (0..600_u16).map(|k| -f32::from(k % 97) / 7.0).collect();
        for length in 0..logprobs.len() {
            let row = &logprobs[..length];
            let plain: f64 = row.iter().map(|&l| f64::from(l).exp()).sum();

            assert!((mass(row) - plain).abs() <= 1e-12 * plain, "{length} entries");
            assert_eq!(mass_may_exceed(row, plain + 1e-9), length > 0, "never certain where it is so close");
            assert!(!mass_may_exceed(row, plain * 1.0003 + 1e-30));
            assert!(length == 0 || mass_may_exceed(row, plain * 0.9999));
        }
    }

    #[test]
    fn minus_infinity_has_no_mass() {
        assert_eq!(mass(&[f32::NEG_INFINITY; 7]).to_bits(), 0.0_f64.to_bits());
    }
}
