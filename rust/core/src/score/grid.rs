//! Whether a row's logits were computed so coarsely that tokens tie.
//!
//! Where an unseen token may have exactly the row's last value, an engine that keeps ties, or orders them its own way,
//! may treat it as it treats the last entry. Whether that can happen the row tells. A logprob is a logit minus one
//! number (the log of the sum over the vocabulary), so that *differences* of logprobs are differences of logits; and
//! floating point logits lie on a grid:
//!
//! | logits in | significant bits | step of a logit in [2^e, 2^(e+1)) | at least 2^-9 from |
//! |---|---|---|---|
//! | bfloat16 | 8 | 2^(e-7) | 1/4 |
//! | float16 | 11 | 2^(e-10) | 2 |
//! | float32 | 24 | 2^(e-23) | 16,384 |
//!
//! The largest logits of a language model are some 5 to 30, so that in half precision all differences of a row are
//! multiples of 2^-9. In float32 they lie anywhere, and two of a row
//! are equal once in a million rows.
//!
//! The test errs on one side. A float32 row of k entries has all its `k - 1` differences near multiples by chance with a
//! probability of `0.2^(k-1)` (the tolerance is a tenth of a step either way) and then counts as one that may tie: its
//! positions are undecided a little more often, but never wrong. A half-precision row is never taken for float32, unless
//! its entries are so small that their steps are finer than 2^-9.

/// Steps a nat of the coarsest logits that are still told from float32.
const STEPS: f64 = 512.0;
/// In units of a step: logprobs printed with four decimals are off by 5e-5 each, their difference by 1e-4, and as much
/// again is allowed for.
const TOLERANCE: f64 = 2e-4 * STEPS;

/// Whether an unseen token may have exactly the last value of a row (`logprobs`, descending, nats): some values of the row
/// tie, or all lie on a grid (a row of one entry, which shows no difference, always does).
pub(super) fn may_tie(logprobs: &[f32]) -> bool {
    let on_grid = |pair: &[f32]| {
        let steps = (f64::from(pair[0]) - f64::from(pair[1])) * STEPS;
        // Of infinite values nothing is known.
        steps.is_nan() || steps == f64::INFINITY || (steps - steps.round()).abs() <= TOLERANCE
    };
    logprobs.windows(2).all(on_grid) || logprobs.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::may_tie;

    #[test]
    fn rows_on_a_grid_and_others() {
        let lse = 0.123_f32;
        let stepped: Vec<f32> = [0.0, -0.25, -1.5, -1.5625, -4.0].map(|x: f32| x - lse).to_vec();
        assert!(may_tie(&stepped));
        assert!(may_tie(&stepped.iter().map(|l| (l * 1e4).round() / 1e4).collect::<Vec<_>>()), "four decimals");
        assert!(may_tie(&[-0.3]), "one entry shows no difference");
        assert!(may_tie(&[-0.5, -0.7123, -1.9471, -1.9471, -2.3341]), "a tie");
        assert!(!may_tie(&[-0.5, -0.7123, -1.9471, -2.0013, -2.3341]));
    }
}
