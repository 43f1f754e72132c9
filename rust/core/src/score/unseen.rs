//! What a row does not show, bounded and never guessed.
//!
//! A row shows the largest logprobs of a distribution over the whole vocabulary. All probabilities add up to 1, so with
//! `S = sum of exp(l)` over what the row shows, all the tokens that it does not show have exactly the mass `1 - S`
//! together. Two bounds follow:
//!
//! * no single unseen token can have more than all of that mass, so that its logprob is at most `ln(1 - S)`;
//! * in a row that is the contiguous top, no unseen token lies above the row's last entry.
//!
//! The smaller of the two is the *cap*.
//!
//! # Rounding
//!
//! S is computed from logprobs that were rounded on their way here: to float32 (an error of about 1e-6), or to the
//! decimals that a server prints. If each is off by at most d, S is off by at most `sum of exp(l) d <= d`, as the sum is
//! at most 1. [`ROUNDING`] allows for d = 1e-5, prints of five decimals; with four, where d is 5e-5, the errors of the
//! row's heavy entries would have to point one way to exceed it. It widens every bound: the least mass is lowered by
//! it and the greatest raised, each cut off at 0, for a row that shows more than 1 leaves nothing unseen.

/// A mass that is computed from rounded logprobs may be off by so much.
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
    /// Bounds from the `mass` S that the candidates show (above 1 where the row is improper) and the row's `lowest`
    /// logprob, None where the row is not contiguous, so that an unseen token may lie anywhere.
    #[must_use]
    pub fn new(mass: f64, lowest: Option<f32>) -> Self {
        let high = (1.0 - mass).max(0.0) + ROUNDING;
        // From the greatest mass, not the likeliest: a cap must never be too low. Rounding keeps it finite even where the
        // row shows everything, so that a token may always be unseen at ln 1e-5 or below.
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
