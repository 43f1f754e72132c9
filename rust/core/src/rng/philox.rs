//! Philox 4x32-10, and vLLM's Gumbel noise built on it (model runner V2, vLLM 0.13 to 0.30).
//!
//! # Generator
//!
//! ```text
//! round: (c0, c1, c2, c3) <- (hi1 ^ c1 ^ k0, lo1, hi0 ^ c3 ^ k1, lo0)
//!        hi0:lo0 = D2511F53 * c0     hi1:lo1 = CD9E8D57 * c2
//! ten rounds; between rounds k0 += 9E3779B9, k1 += BB67AE85
//! ```
//!
//! Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3" (SC 2011); known answers: Random123's
//! `kat_vectors`.
//!
//! # vLLM's noise
//!
//! ```text
//! row seed s = philox(counter = (position, 0, 0), key = seed)[0]          tl.randint(seed, position)
//! words    w = philox(counter = (token id, 0, 0, 0), key = (s, 0))        tl.rand / tl.randint4x (s, id)
//! r = fl32(fold(int32(w0)) * 4.6566127342e-10), fold(x) = x < 0 ? not x : x
//! ```
//!
//! | vLLM | noise g | largest g |
//! |---|---|---|
//! | 0.13 | float64: -ln(-ln(r + 1e-20) + 1e-20), rounded to float32 | 16.6 |
//! | 0.17 | float32: -ln(-ln u), u = max(r, 1e-7) | 16.6 |
//! | 0.20 (0.22: the same generator, transform not read) | float64: -ln(-ln u), u = max((w1 2^32 + w0) 2^-64, 2.2e-308) | +inf |
//! | 0.25 to 0.30 | float32: -ln(-ln1p(-u)), u = max(r, 4.6566127342e-10) | 21.5 |
//!
//! Source: `vllm/v1/worker/gpu/sample/gumbel.py` of those versions and Triton's `random.py`. Noise of 0.20 is +inf
//! where u rounds to 1 (one word pair in 2^53): that candidate wins. Position = index of the last input token = prompt
//! length - 1 + n. The option `use_fp64_gumbel` of 0.25 to 0.30 is the transform of 0.20.

use super::logarithm::{ln, ln_1p_f32, ln_f32};
use super::passes::{per_id, per_value};
use super::row::RowKey;
use super::rule::{Facts, Family, Form, Noise};
use super::words::{high, join, low};

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// The scale of `tl.rand`: 2^-31 rounded down to the next float32.
const RAND_SCALE: f32 = 4.656_612_7e-10;

/// Philox 4x32 with ten rounds: four random words of a counter under a key, both least significant word first.
#[inline]
#[must_use]
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        let first = u64::from(MULTIPLIERS[0]) * u64::from(c0);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(c2);
        (c0, c1, c2, c3) = (high(second) ^ c1 ^ k0, low(second), high(first) ^ c3 ^ k1, low(first));
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
    }
    [c0, c1, c2, c3]
}

/// How a vLLM version turns Philox words into Gumbel noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PhiloxTransform {
    /// vLLM 0.13.
    V0_13,
    /// vLLM 0.17.
    V0_17,
    /// vLLM 0.20 to 0.22, and the float64 option of later versions.
    V0_20,
    /// vLLM 0.25 to 0.30.
    V0_25,
}

impl PhiloxTransform {
    /// Noise from the first two words of an id.
    #[must_use]
    pub fn gumbel(self, words: [u32; 2]) -> f64 {
        let mut noise = [self.uniform(words)];
        self.take_logarithms(&mut noise);
        noise[0]
    }

    /// The uniform that the version takes of an id's words: float32 but for 0.20.
    #[inline]
    fn uniform(self, words: [u32; 2]) -> f64 {
        match self {
            Self::V0_20 => uniform_f64(words),
            _ => f64::from(rand(words[0])),
        }
    }

    /// Replace uniforms by noise.
    #[expect(clippy::cast_possible_truncation, reason = "uniforms are float32, and 0.13 rounds its noise to float32")]
    fn take_logarithms(self, uniforms: &mut [f64]) {
        match self {
            Self::V0_13 => per_value(uniforms, |u| f64::from(-ln(-ln(u + 1e-20) + 1e-20) as f32)),
            Self::V0_17 => per_value(uniforms, |u| f64::from(-ln_f32(-ln_f32((u as f32).max(1e-7))))),
            Self::V0_20 => per_value(uniforms, |u| -ln(-ln(u))),
            Self::V0_25 => per_value(uniforms, |u| f64::from(-ln_f32(-ln_1p_f32(-(u as f32).max(RAND_SCALE))))),
        }
    }
}

impl Family for PhiloxTransform {
    const FACTS: Facts = Facts { drafts: true, ..Facts::BY_POSITION };
    const FORMS: &'static [Form<Self>] = &[
        Form::new("vllm-philox", "0.13", |_| Ok(Self::V0_13)),
        Form { alike: "0.13", ..Form::new("vllm-philox", "0.17", |_| Ok(Self::V0_17)) },
        Form::new("vllm-philox", "0.20", |_| Ok(Self::V0_20)),
        Form::new("vllm-philox", "0.25", |_| Ok(Self::V0_25)),
    ];
}

impl Noise for PhiloxTransform {
    fn upper_bound(&self) -> f64 {
        match self {
            Self::V0_13 | Self::V0_17 => self.gumbel([0x7FFF_FFFF, 0]),
            Self::V0_20 => f64::INFINITY,
            Self::V0_25 => self.gumbel([0, 0]),
        }
    }

    fn fill_row(&self, key: RowKey, ids: &[u32], out: &mut [f64]) {
        PhiloxRow::new(*self, key.seed, key.position).fill(ids, out);
    }
}

/// The value of `tl.rand` for a word: a float32 in [0, 1).
#[inline]
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "Triton converts the integer to float32, rounding")]
pub fn rand(word: u32) -> f32 {
    let signed = word.cast_signed();
    let folded = if signed < 0 { !signed } else { signed };
    folded as f32 * RAND_SCALE
}

/// vLLM 0.20's uniform of two words, in (0, 1]: rounding reaches 1.
#[inline]
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "the kernel converts the 64-bit integer to float64, rounding")]
pub fn uniform_f64(words: [u32; 2]) -> f64 {
    const SCALE: f64 = 1.0 / 18_446_744_073_709_551_616.0;
    (join(words[1], words[0]) as f64 * SCALE).max(f64::MIN_POSITIVE)
}

/// What one row of vLLM's noise shares: the seed that its ids are drawn under.
#[derive(Debug, Clone, Copy)]
pub struct PhiloxRow {
    transform: PhiloxTransform,
    gumbel_seed: u32,
}

impl PhiloxRow {
    /// The row of `position` (index of the last input token) under the request's `seed`.
    #[must_use]
    pub fn new(transform: PhiloxTransform, seed: u64, position: u64) -> Self {
        let counter = [low(position), high(position), 0, 0];
        Self { transform, gumbel_seed: philox(counter, [low(seed), high(seed)])[0] }
    }

    /// vLLM's `gumbel_seed` of the row.
    #[must_use]
    pub fn gumbel_seed(self) -> u32 {
        self.gumbel_seed
    }

    /// The first two words of an id.
    #[inline]
    #[must_use]
    pub fn words(self, id: u32) -> [u32; 2] {
        let [first, second, ..] = philox([id, 0, 0, 0], [self.gumbel_seed, 0]);
        [first, second]
    }

    /// Gumbel noise of `ids` into `out`, slot by slot.
    fn fill(self, ids: &[u32], out: &mut [f64]) {
        match self.transform {
            PhiloxTransform::V0_20 => per_id(ids, out, |id| uniform_f64(self.words(id))),
            _ => per_id(ids, out, |id| f64::from(rand(self.words(id)[0]))),
        }
        self.transform.take_logarithms(out);
    }
}
