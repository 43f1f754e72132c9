//! `SGLang`'s Gumbel noise in deterministic mode (`--enable-deterministic-inference`; elsewhere its `seed` is ignored).
//!
//! ```text
//! prime, 0.5.3 to 0.5.8.post1:  s = seed * 19349663 ^ position * 73856093       int64, wrapping
//!                               h = s * 8589934591 ^ column * 479001599
//!                               u = fl32((h mod 2^24) / 2^24);   g = -ln(-ln(u + 1e-9) + 1e-9) in float32
//! murmur, 0.5.9 and later:      h = murmur3(seed, position, column), the hash of vLLM (see `murmur3`), domain 0
//!                               x = h / (2^32 - 1);   L = ln x within [-1.797e308, ceiling];   g = -ln(-L) in float64
//!                               ceiling: -2^-32 in 0.5.20 and later; none in 0.5.15
//! ```
//!
//! Source: `sglang/srt/layers/sampler.py` and `murmur_hash.py` of those versions. Position = index of the last input
//! token = prompt length - 1 + n. **Column** = token id where no top-k, top-p or min-p is active; otherwise the *rank*
//! in the descending sort of the whole vocabulary: the caller passes ranks instead of ids. A request without seed has
//! seed 42. In 0.5.3 the path without filters ignores the seed; min-p with a seed is refused by the engine. The prime
//! form adds its noise to ln(p + 1e-9), not ln p.
//!
//! Edges: x = 0 gives g = -ln 1.797e308 = -709.78; x = 1 (one hash in 2^32) gives +inf without ceiling, else 22.18.
//! Versions 0.5.16 to 0.5.19 have one of the two: they differ in that one hash only.

use super::logarithm::{ln, ln_f32};
use super::murmur3::{DOMAIN, HashPrefix};
use super::passes::{per_id, per_value};
use super::row::RowKey;
use super::rule::{Facts, Family, Form, Noise};

/// The upper clamp of later versions.
const CEILING: f64 = -1.0 / 4_294_967_296.0;

/// The upper clamp of ln x in the murmur form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogCeiling {
    /// None: `SGLang` 0.5.9 to 0.5.15. Noise can be +inf.
    Absent,
    /// -2^-32: `SGLang` 0.5.20 and later.
    Present,
}

impl LogCeiling {
    /// Noise of a hash.
    #[inline]
    #[must_use]
    pub fn gumbel(self, hash: u32) -> f64 {
        let logarithm = ln(murmur_uniform(hash)).max(f64::MIN);
        match self {
            Self::Absent => -ln(-logarithm),
            Self::Present => -ln(-logarithm.min(CEILING)),
        }
    }
}

impl Family for LogCeiling {
    const FACTS: Facts = Facts::BY_POSITION;
    const FORMS: &'static [Form<Self>] = &[
        Form::new("sglang-murmur", "", |_| Ok(Self::Absent)),
        Form { alike: "", ..Form::new("sglang-murmur", "ceiling", |_| Ok(Self::Present)) },
    ];
}

impl Noise for LogCeiling {
    fn upper_bound(&self) -> f64 {
        self.gumbel(u32::MAX)
    }

    fn fill_row(&self, key: RowKey, columns: &[u32], out: &mut [f64]) {
        MurmurColumns::new(*self, key.seed, key.position).fill(columns, out);
    }
}

/// The murmur form's uniform, in [0, 1].
#[inline]
#[must_use]
pub fn murmur_uniform(hash: u32) -> f64 {
    f64::from(hash) / f64::from(u32::MAX)
}

/// What one row of the murmur form shares.
#[derive(Debug, Clone, Copy)]
pub struct MurmurColumns {
    ceiling: LogCeiling,
    prefix: HashPrefix,
}

impl MurmurColumns {
    /// The row of `position` under the request's `seed`.
    #[must_use]
    pub fn new(ceiling: LogCeiling, seed: u64, position: u64) -> Self {
        Self { ceiling, prefix: HashPrefix::new(DOMAIN, seed, position) }
    }

    /// Gumbel noise of `columns` into `out`, slot by slot.
    fn fill(self, columns: &[u32], out: &mut [f64]) {
        per_id(columns, out, |column| murmur_uniform(self.prefix.hash(column)));
        match self.ceiling {
            LogCeiling::Absent => per_value(out, |x| -ln(-ln(x).max(f64::MIN))),
            LogCeiling::Present => per_value(out, |x| -ln(-ln(x).clamp(f64::MIN, CEILING))),
        }
    }
}

/// The prime form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prime;

impl Family for Prime {
    const FACTS: Facts = Facts { probability_floor: 1e-9, ..Facts::BY_POSITION };
    const FORMS: &'static [Form<Self>] = &[Form::new("sglang-prime", "", |_| Ok(Self))];
}

impl Noise for Prime {
    fn upper_bound(&self) -> f64 {
        prime_gumbel(1.0 - 1.0 / 16_777_216.0)
    }

    fn fill_row(&self, key: RowKey, columns: &[u32], out: &mut [f64]) {
        PrimeColumns::new(key.seed, key.position).fill(columns, out);
    }
}

/// What one row of the prime form shares.
#[derive(Debug, Clone, Copy)]
pub struct PrimeColumns {
    state: u64,
}

impl PrimeColumns {
    /// The row of `position` under the request's `seed`.
    #[must_use]
    pub fn new(seed: u64, position: u64) -> Self {
        let step_seed = seed.wrapping_mul(19_349_663) ^ position.wrapping_mul(73_856_093);
        Self { state: step_seed.wrapping_mul(8_589_934_591) }
    }

    /// The uniform of a column, a float32 in [0, 1).
    #[inline]
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "24 bits are exact in float32")]
    pub fn uniform(self, column: u32) -> f32 {
        let hash = self.state ^ u64::from(column).wrapping_mul(479_001_599);
        (hash & 0x00FF_FFFF) as f32 * (1.0 / 16_777_216.0)
    }

    /// Gumbel noise of `columns` into `out`, slot by slot.
    fn fill(self, columns: &[u32], out: &mut [f64]) {
        per_id(columns, out, |column| f64::from(self.uniform(column)));
        per_value(out, prime_gumbel_of_widened);
    }
}

/// Noise of the prime form, widened.
#[inline]
#[must_use]
pub fn prime_gumbel(uniform: f32) -> f64 {
    f64::from(-ln_f32(-ln_f32(uniform + 1e-9) + 1e-9))
}

/// `prime_gumbel` of a float32 held in a float64.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the value is a float32")]
fn prime_gumbel_of_widened(uniform: f64) -> f64 {
    prime_gumbel(uniform as f32)
}
