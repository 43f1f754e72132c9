//! Bounds on the weight, at a temperature, of the tokens that a row does not show.

use crate::exp::exp;
use crate::support::Unseen;

/// Counts are taken from rounded masses: a mass that reaches a count but for this share of it reaches it.
const COUNT_SLACK: f64 = 1e-9;
/// Exponents above it would leave the range of [`exp`]; whatever is that heavy outweighs the row.
const LARGEST_EXPONENT: f64 = 700.0;

/// Logprobs as weights at a temperature: `w = exp((l - top) / T)`, so that the row's first entry weighs 1.
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
    /// The tail of a row that shows all but `ids` tokens.
    ///
    /// With R the unseen mass, `R_i` that of token i and p = `R_i`: the sum of `p^(1/T)` is largest, for T <= 1, where
    /// tokens are as likely as `cap` lets them be, and for T > 1 where all are equally likely; and no more than
    /// `ids exp(cap / T)` in any case. It is smallest, for T > 1, where they are as likely as they can be.
    pub(super) fn new(unseen: Unseen, ids: usize, scale: Scale) -> Self {
        let Unseen { low, high, cap } = unseen;
        let ids = ids as f64;
        if ids == 0.0 || cap == f64::NEG_INFINITY {
            return Self { low: 0.0, high: 0.0, cap: f64::NEG_INFINITY, mass: 0.0, ids: 0.0, tied: false };
        }
        let t = scale.temperature;
        let weigh = |logarithm: f64| exp((logarithm - scale.top / t).min(LARGEST_EXPONENT));
        let pointed = |mass: f64| mass.ln() + cap * (1.0 / t - 1.0);
        let (least, most) = match t {
            1.0 => (low.ln(), high.ln()),
            t if t < 1.0 => (f64::NEG_INFINITY, pointed(high)),
            t => (pointed(low), ids.ln() + (high.ln() - ids.ln()) / t),
        };
        Self { low: weigh(least), high: weigh(most.min(ids.ln() + cap / t)), cap, mass: high, ids, tied: false }
    }

    /// No unseen token.
    pub(super) const fn none(self) -> Self {
        Self { low: 0.0, high: 0.0, mass: 0.0, ids: 0.0, ..self }
    }

    /// Number of unseen tokens.
    pub(super) fn ids(&self) -> f64 {
        self.ids
    }

    /// At most so many unseen tokens have a logprob of at least `logprob`.
    pub(super) fn count_from(&self, logprob: f64) -> f64 {
        if self.cap < logprob {
            return 0.0;
        }
        (self.mass * (1.0 + COUNT_SLACK) / exp(logprob)).floor().min(self.ids)
    }

    /// [`Tail::count_from`] as an integer.
    #[expect(clippy::cast_sign_loss, reason = "a count is at least 0")]
    pub(super) fn tokens_from(&self, logprob: f64) -> usize {
        self.count_from(logprob) as usize
    }

    /// At most so many unseen tokens have a logprob above `logprob`.
    pub(super) fn count_above(&self, logprob: f64) -> f64 {
        if self.cap > logprob { self.count_from(logprob) } else { 0.0 }
    }

    /// Greatest weight of the unseen tokens with a logprob of at least `logprob`.
    pub(super) fn weight_from(&self, logprob: f64, scale: Scale) -> f64 {
        if self.cap < logprob { 0.0 } else { self.high.min(self.count_from(logprob) * scale.weight(self.cap)) }
    }
}
