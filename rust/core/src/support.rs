//! What a row does not show, bounded and never guessed.
//!
//! A row shows the largest logprobs of a distribution. With `S = sum of exp(l)` over what it shows, the rest of the
//! vocabulary weighs between `max(0, 1 - S - 1e-5)` and `max(0, 1 - S) + 1e-5` (printed logprobs are rounded), and no
//! unseen token can have more than all of that; in a row that is the contiguous top, none lies above its last entry.

/// Printed logprobs are rounded: a mass that is computed from them may be off by so much.
const ROUNDING: f64 = 1e-5;

/// Bounds on the part of a distribution that a row does not show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unseen {
    /// Least mass of all unseen tokens together.
    pub low: f64,
    /// Greatest mass of all unseen tokens together.
    pub high: f64,
    /// Greatest logprob that an unseen token can have; -inf = no unseen token has any mass.
    pub cap: f64,
}

impl Unseen {
    /// Bounds from the `mass` that the candidates show (above 1 where the row is improper) and the row's `lowest`
    /// logprob, None where the row is not contiguous, so that an unseen token may lie anywhere.
    #[must_use]
    pub fn new(mass: f64, lowest: Option<f32>) -> Self {
        let high = (1.0 - mass).max(0.0) + ROUNDING;
        let cap = high.ln();
        Self {
            low: (1.0 - mass - ROUNDING).max(0.0),
            high,
            cap: lowest.map_or(cap, |lowest| cap.min(f64::from(lowest))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_known_rows() {
        for (mass, lowest, low, high, cap) in [
            (0.75, Some(-1.0), 0.249_99, 0.250_01, 0.250_01_f64.ln()),
            (0.75, Some(-3.0), 0.249_99, 0.250_01, -3.0),
            (0.75, None, 0.249_99, 0.250_01, 0.250_01_f64.ln()),
            (1.0, Some(-3.0), 0.0, 1e-5, 1e-5_f64.ln()),
            (1.5, Some(-3.0), 0.0, 1e-5, 1e-5_f64.ln()),
            (0.5, Some(f32::NEG_INFINITY), 0.499_99, 0.500_01, f64::NEG_INFINITY),
        ] {
            let unseen = Unseen::new(mass, lowest);

            assert!((unseen.low - low).abs() < 1e-12, "{unseen:?}");
            assert!((unseen.high - high).abs() < 1e-12, "{unseen:?}");
            assert!(unseen.cap == cap || (unseen.cap - cap).abs() < 1e-9, "{unseen:?}");
        }
    }
}
