//! Whether a row's logits were computed so coarsely that tokens tie.
//!
//! Models that compute their logits in bfloat16 or float16 give them in steps of 2^-9 and more (where the largest ones
//! are above 1), so that a token which a row does not show may have exactly the row's last value. Logits in float32
//! tie once in a million rows. A row tells which it is: all its differences are multiples of the step, or not.

/// Steps of the coarsest logits that are still told from float32: 2^-9.
const STEPS: f64 = 512.0;
/// Logprobs that are printed with four decimals still show their steps: in units of a step.
const TOLERANCE: f64 = 2e-4 * STEPS;

/// Whether an unseen token may have exactly the last value of a row: some values of the row tie, or all lie on a grid
/// (a row of one entry always does).
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
