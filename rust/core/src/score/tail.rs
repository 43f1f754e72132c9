//! The unseen tokens at a temperature: bounds on their weight, and on how many there are.
//!
//! [`Unseen`] bounds the unseen mass R and the greatest logprob `cap` of one unseen token, both at temperature 1, where
//! the reference tells its logprobs. The filters and the sampler work at temperature T, where token i weighs
//! `p_i^(1/T)` (times a common factor, see [`weights`](super::weights)). What is the least, and the most, that
//! `W = sum of p_i^a` can be, with `a = 1/T`, given only
//!
//! ```text
//! sum of p_i = R,     0 <= p_i <= c = exp(cap),     at most n tokens?
//! ```
//!
//! | T | W is at most | W is at least |
//! |---|---|---|
//! | 1 | R | R |
//! | below 1 (a > 1) | `R c^(a-1)` | 0 |
//! | above 1 (a < 1) | `n (R/n)^a` | `R c^(a-1)` |
//! | any | `n c^a` | |
//!
//! * T < 1: `p^a = p p^(a-1) <= p c^(a-1)`, since `p <= c` and `a - 1 > 0`; summed over the tokens that is `R c^(a-1)`. It
//!   is reached where R/c tokens are as likely as the cap lets them be: sharpening rewards a few likely tokens. The least
//!   is reached where the mass is spread evenly, `n (R/n)^a`, which for a real vocabulary is next to nothing: 0 will do.
//! * T > 1: the same line with `a - 1 < 0` turns round and gives the least. `p^a` is concave, so by Jensen's inequality W
//!   is largest where all n are equally likely: flattening rewards many unlikely tokens.
//! * `n c^a` holds whatever R is: no token weighs more than the cap allows.
//!
//! Where R itself is only bounded, the least takes its lower bound and the most its upper one, as all of these grow with
//! R. They grow with n too, so that an upper bound of the vocabulary's size does.

use super::unseen::Unseen;
use super::weights::{LARGEST_EXPONENT, Scale};
use crate::exp::exp;

/// Counts are taken from rounded masses: a mass that reaches a count but for this share of it reaches it.
const COUNT_SLACK: f64 = 1e-9;

/// Bounds on the unseen tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    /// Least weight of all unseen tokens together.
    pub(super) low: f64,
    /// Greatest weight of all unseen tokens together.
    pub(super) high: f64,
    /// Greatest logprob that an unseen token can have; -inf where there is none.
    pub(super) cap: f64,
    /// Greatest mass (at temperature 1) of all of them.
    mass: f64,
    /// Their number.
    ids: f64,
    /// All that is left of it ties with the last entry that top-k keeps.
    pub(super) tied: bool,
}

impl Tail {
    /// The tail of a row that shows all but `ids` tokens; the module derives the bounds.
    pub(super) fn new(unseen: Unseen, ids: usize, scale: Scale) -> Self {
        let Unseen { low, high, cap } = unseen;
        let ids = ids as f64;
        if ids == 0.0 || cap == f64::NEG_INFINITY {
            return Self { low: 0.0, high: 0.0, cap: f64::NEG_INFINITY, mass: 0.0, ids: 0.0, tied: false };
        }
        let t = scale.temperature;
        // Bounds are taken in logarithms, where p^(1/T) cannot underflow, and are scaled to the row's first entry last.
        let weigh = |logarithm: f64| exp((logarithm - scale.top / t).min(LARGEST_EXPONENT));
        // R c^(a-1): as many tokens at the cap as the mass pays for.
        let at_the_cap = |mass: f64| mass.ln() + cap * (1.0 / t - 1.0);
        let (least, most) = match t {
            1.0 => (low.ln(), high.ln()),
            t if t < 1.0 => (f64::NEG_INFINITY, at_the_cap(high)),
            // n (R/n)^a: all of them alike.
            t => (at_the_cap(low), ids.ln() + (high.ln() - ids.ln()) / t),
        };
        Self { low: weigh(least), high: weigh(most.min(ids.ln() + cap / t)), cap, mass: high, ids, tied: false }
    }

    /// No unseen token. `cap` stays: the filters that follow compare with it.
    pub(super) const fn none(self) -> Self {
        Self { low: 0.0, high: 0.0, mass: 0.0, ids: 0.0, ..self }
    }

    /// Number of unseen tokens.
    pub(super) fn ids(&self) -> f64 {
        self.ids
    }

    /// At most so many unseen tokens have a logprob of at least `logprob`.
    ///
    /// Each of them takes at least `exp(logprob)` of the unseen mass, which pays for so many and no more. Rounding goes
    /// up before the floor: a mass of exactly three tokens that was computed as 2.9999999999 of them must count three.
    pub(super) fn count_from(&self, logprob: f64) -> f64 {
        if self.cap < logprob {
            return 0.0;
        }
        // exp(-inf) is 0: any number of tokens without mass, so all there are.
        (self.mass * (1.0 + COUNT_SLACK) / exp(logprob)).floor().min(self.ids)
    }

    /// [`Tail::count_from`] as an integer.
    #[expect(clippy::cast_sign_loss, reason = "a count is at least 0")]
    pub(super) fn tokens_from(&self, logprob: f64) -> usize {
        self.count_from(logprob) as usize
    }

    /// At most so many unseen tokens have a logprob above `logprob`: none where the cap is not above it, and no more than
    /// have at least that.
    pub(super) fn count_above(&self, logprob: f64) -> f64 {
        if self.cap > logprob { self.count_from(logprob) } else { 0.0 }
    }

    /// Greatest weight of the unseen tokens with a logprob of at least `logprob`: as many as there can be, each as heavy
    /// as the cap allows, and together no more than all unseen tokens.
    pub(super) fn weight_from(&self, logprob: f64, scale: Scale) -> f64 {
        if self.cap < logprob { 0.0 } else { self.high.min(self.count_from(logprob) * scale.weight(self.cap)) }
    }
}
