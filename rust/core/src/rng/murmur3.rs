//! vLLM's Gumbel noise since 0.31: `MurmurHash3` of seed, position and token id.
//!
//! ```text
//! mix(h, k): k *= CC9E2D51; k = rotl15(k); k *= 1B873593; h ^= k; h = rotl13(h); h = 5 h + E6546B64
//! hash(h)  : mix seed's low word, seed's high word, position's low word, id; h ^= 16; fmix32(h)
//!
//! float32: x = hash(0);   u = fl32(hi16(x) 2^-16 + (lo16(x) + 0.5) 2^-32)         in (0, 1]
//!          g = -ln(-l(u))
//!          l(u) = ln(1 - u): u < 0.25: -(u (1 + u (1/2 + u (1/3 + ... + u/8)))), Horner in float32; else ln(max(1 - u,
//! 2^-24)) float64: r = (hash(9E3779B9) 2^32 + hash(0)) >> 11;   u = min((r + 0.5) 2^-53, 1 - 2^-53);   g = -ln(-ln u)
//! ```
//!
//! Source: `vllm/v1/worker/gpu/sample/gumbel.py`, 0.31 to 0.33 (vLLM pull request 51367); the hash is Appleby's
//! `MurmurHash3_x86_32` of the 16 bytes. Position = index of the last input token = prompt length - 1 + n; only its low
//! 32 bits count. Noise is finite: g lies in [-2.82, 22.88] (float32) and [-3.61, 36.74] (float64). The float32 form is
//! the default of the engine.

use super::logarithm::{ln, ln_f32};
use super::passes::{per_id, per_value};
use super::row::RowKey;
use super::rule::{Facts, Family, Form, Noise};
use super::words::{high, join, low};

/// Where vLLM's draft model reads its noise: the position it samples at, moved out of the target model's way.
#[must_use]
pub fn draft_position(position: u64) -> u64 {
    position.wrapping_add(1 << 30)
}

/// The seed of speculative step `step`: seed ^ (step << 32).
#[must_use]
pub fn speculative_seed(seed: u64, step: u32) -> u64 {
    seed ^ (u64::from(step) << 32)
}

/// One block of `MurmurHash3`'s body.
#[inline]
const fn mix(hash: u32, block: u32) -> u32 {
    let block = block.wrapping_mul(0xCC9E_2D51).rotate_left(15).wrapping_mul(0x1B87_3593);
    (hash ^ block).rotate_left(13).wrapping_mul(5).wrapping_add(0xE654_6B64)
}

/// `MurmurHash3`'s finalizer: every input bit reaches every output bit.
#[inline]
#[must_use]
pub const fn finalize(mut hash: u32) -> u32 {
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
    hash ^ (hash >> 16)
}

/// The hash of seed and position, before the id is mixed in: what a row shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashPrefix(u32);

impl HashPrefix {
    /// The prefix of a row; `domain` is the hash's own seed.
    #[inline]
    #[must_use]
    pub const fn new(domain: u32, seed: u64, position: u64) -> Self {
        Self(mix(mix(mix(domain, low(seed)), high(seed)), low(position)))
    }

    /// The hash of seed, position and `id`.
    #[inline]
    #[must_use]
    pub const fn hash(self, id: u32) -> u32 {
        finalize(mix(self.0, id) ^ 16)
    }
}

/// The hash's seed for the words that both forms use.
pub const DOMAIN: u32 = 0;
/// The hash's seed for the high word of the float64 form.
pub const HIGH_DOMAIN: u32 = 0x9E37_79B9;

/// The floating point type in which vLLM computes its noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// float32, the default.
    Single,
    /// float64, vLLM's `use_fp64_gumbel`.
    Double,
}

impl Family for Precision {
    const FACTS: Facts = Facts { drafts: true, ..Facts::BY_POSITION };
    const FORMS: &'static [Form<Self>] = &[
        Form::new("vllm-murmur3", "float32", |_| Ok(Self::Single)),
        Form::new("vllm-murmur3", "float64", |_| Ok(Self::Double)),
    ];
}

impl Noise for Precision {
    fn upper_bound(&self) -> f64 {
        match self {
            Self::Single => gumbel_f32(uniform_f32(0)),
            Self::Double => gumbel_f64(uniform_f64(u32::MAX, u32::MAX)),
        }
    }

    fn fill_row(&self, key: RowKey, ids: &[u32], out: &mut [f64]) {
        MurmurRow::new(*self, key.seed, key.position).fill(ids, out);
    }
}

/// The uniform of the float32 form, in (0, 1].
#[inline]
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "both halves are below 2^16 and exact")]
pub fn uniform_f32(hash: u32) -> f32 {
    let upper = (hash >> 16) as f32 * (1.0 / 65_536.0);
    let lower = ((hash & 0xFFFF) as f32 + 0.5) * (1.0 / 4_294_967_296.0);
    upper + lower
}

/// Noise of the float32 form, widened.
#[inline]
#[must_use]
pub fn gumbel_f32(uniform: f32) -> f64 {
    f64::from(-ln_f32(-ln_complement(uniform)))
}

/// `gumbel_f32` of a float32 held in a float64.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the value is a float32")]
fn gumbel_of_widened(uniform: f64) -> f64 {
    gumbel_f32(uniform as f32)
}

/// The kernel's own ln(1 - u) in float32: a polynomial near 0, where 1 - u would lose u's low bits.
#[inline]
fn ln_complement(uniform: f32) -> f32 {
    let logarithm = ln_f32((1.0 - uniform).max(1.0 / 16_777_216.0));
    let inverses = [1.0 / 7.0, 1.0 / 6.0, 1.0 / 5.0, 1.0 / 4.0, 1.0 / 3.0, 1.0 / 2.0, 1.0];
    let series = inverses.iter().fold(1.0_f32 / 8.0, |sum, inverse| inverse + uniform * sum);
    if uniform < 0.25 { -(uniform * series) } else { logarithm }
}

/// The uniform of the float64 form, in (0, 1).
#[inline]
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact; adding one half rounds as in the kernel")]
pub fn uniform_f64(high_word: u32, low_word: u32) -> f64 {
    const SCALE: f64 = 1.0 / 9_007_199_254_740_992.0;
    let bits = join(high_word, low_word) >> 11;
    ((bits as f64 + 0.5) * SCALE).min(1.0 - SCALE)
}

/// Noise of the float64 form.
#[inline]
#[must_use]
pub fn gumbel_f64(uniform: f64) -> f64 {
    -ln(-ln(uniform))
}

/// What one row of vLLM's noise shares.
#[derive(Debug, Clone, Copy)]
pub struct MurmurRow {
    precision: Precision,
    prefix: HashPrefix,
    high_prefix: HashPrefix,
}

impl MurmurRow {
    /// The row of `position` (index of the last input token) under the request's `seed`.
    #[must_use]
    pub fn new(precision: Precision, seed: u64, position: u64) -> Self {
        Self {
            precision,
            prefix: HashPrefix::new(DOMAIN, seed, position),
            high_prefix: HashPrefix::new(HIGH_DOMAIN, seed, position),
        }
    }

    /// Gumbel noise of `ids` into `out`, slot by slot.
    fn fill(&self, ids: &[u32], out: &mut [f64]) {
        match self.precision {
            Precision::Single => {
                per_id(ids, out, |id| f64::from(uniform_f32(self.prefix.hash(id))));
                per_value(out, gumbel_of_widened);
            }
            Precision::Double => {
                per_id(ids, out, |id| uniform_f64(self.high_prefix.hash(id), self.prefix.hash(id)));
                per_value(out, gumbel_f64);
            }
        }
    }
}
