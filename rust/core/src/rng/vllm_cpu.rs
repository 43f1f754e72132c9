//! vLLM's Gumbel noise on CPUs since 0.32: `SplitMix64` of a draw a step and the token id.
//!
//! ```text
//! generator: MT19937 under the low 32 bits of the seed; step n takes two words, high then low:  s = low mod 2^31
//! f(z): z ^= z >> 30; z *= BF58476D1CE4E5B9; z ^= z >> 27; z *= 94D049BB133111EB; z ^ z >> 31      modulo 2^64
//! b = f(f(s) + (id + 1) 9E3779B97F4A7C15) >> 11;   u = fl64(b + 1/2) 2^-53;   g = -ln(-ln u) in float64
//! ```
//!
//! Source: `TopKTopPSampler.forward_cpu` in `vllm/v1/sample/ops/topk_topp_sampler.py` and `fused_gumbel_argmax` in
//! `csrc/cpu/sampling_kernels.cpp` of 0.32 and 0.33; f is the finalizer of Steele, Lea and Flood, OOPSLA 2014. The step's
//! seed is `torch.randint(0, 2**31, (1,))` of the request's own generator, which draws 64 bits for a range of 2^28 or more
//! (torch 2.13). The arg-max is that of logits / T in float32
//! plus g in float64, after vLLM's filters.
//!
//! b = 2^53 - 1 gives u = 1 and g = +inf: that candidate wins. Else g lies in [-3.62, 36.04]. A row costs a pass over two
//! words a step, so that all rows of a seed are served by one pass: see `fill`.

use rayon::prelude::*;

use super::error::StreamError;
use super::logarithm::ln;
use super::mt19937::Mt19937;
use super::passes::{per_id, per_value};
use super::row::{RowKey, RowRequest};
use super::rule::{Access, Facts, Family, Form, Noise};
use super::torch_cpu::LONGEST_OUTPUT;
use super::words::low;

/// Words that one step takes.
const WORDS: u64 = 2;
/// `SplitMix64`'s step from one state to the next.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
/// Rows below which another thread costs more than it saves.
const ROWS_PER_THREAD: usize = 256;

/// vLLM's CPU stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VllmCpu;

impl Family for VllmCpu {
    const FACTS: Facts = Facts { needs_vocab_size: false, access: Access::Sequential, ..Facts::BY_STEP };
    const FORMS: &'static [Form<Self>] = &[Form::new("vllm-cpu", "", |_| Ok::<_, StreamError>(Self))];
}

impl Noise for VllmCpu {
    /// u = 1 is possible.
    fn upper_bound(&self) -> f64 {
        f64::INFINITY
    }

    fn fill_row(&self, key: RowKey, ids: &[u32], out: &mut [f64]) {
        StepSeeds::new(key.seed).row(key.position).fill(ids, out);
    }

    /// Fills every row, in any order, from one pass over the words of each seed.
    fn fill(&self, rows: &mut [RowRequest<'_>]) {
        rows.sort_unstable_by_key(|row| (low(row.key.seed), row.key.position));
        let mut keyed = Vec::with_capacity(rows.len());
        for rows in rows.chunk_by_mut(|a, b| low(a.key.seed) == low(b.key.seed)) {
            let mut seeds = StepSeeds::new(rows[0].key.seed);
            keyed.extend(rows.iter_mut().map(|row| (seeds.row(row.key.position), row)));
        }
        keyed.par_iter_mut().with_min_len(ROWS_PER_THREAD).for_each(|(key, row)| key.fill(row.ids, row.out));
    }

    fn reaches(&self, step: u64) -> bool {
        step < LONGEST_OUTPUT
    }
}

/// The seeds of a request's steps, in ascending order.
struct StepSeeds {
    generator: Mt19937,
    /// Steps that have been taken.
    taken: u64,
    /// The last one's, modulo 2^31.
    seed: u32,
}

impl StepSeeds {
    fn new(seed: u64) -> Self {
        Self { generator: Mt19937::new(low(seed)), taken: 0, seed: 0 }
    }

    /// The row of a step that is not before the last one.
    fn row(&mut self, step: u64) -> VllmCpuRow {
        if step >= self.taken {
            // The high word of the 64 bits falls out of them modulo 2^31.
            self.generator.skip((step - self.taken) * WORDS + 1);
            self.seed = self.generator.next_u32() & 0x7FFF_FFFF;
            self.taken = step + 1;
        }
        VllmCpuRow::of_step_seed(self.seed)
    }
}

/// The seed of output step `step`, from the request's generator, modulo 2^31.
#[must_use]
pub fn step_seed(seed: u64, step: u64) -> u32 {
    let mut seeds = StepSeeds::new(seed);
    let _ = seeds.row(step);
    seeds.seed
}

/// `SplitMix64`'s finalizer: every input bit reaches every output bit.
#[inline]
#[must_use]
pub const fn finalize(mut state: u64) -> u64 {
    state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

/// What one row shares: the hash of its step's seed.
#[derive(Debug, Clone, Copy)]
pub struct VllmCpuRow {
    key: u64,
}

impl VllmCpuRow {
    /// The row of a step's own seed.
    #[must_use]
    pub const fn of_step_seed(step_seed: u32) -> Self {
        Self { key: finalize(step_seed as u64) }
    }

    /// The 53 bits of an id.
    #[inline]
    #[must_use]
    pub const fn bits(self, id: u32) -> u64 {
        finalize(self.key.wrapping_add((id as u64 + 1).wrapping_mul(GAMMA))) >> 11
    }

    /// Gumbel noise of `ids` into `out`, slot by slot.
    fn fill(self, ids: &[u32], out: &mut [f64]) {
        per_id(ids, out, |id| uniform(self.bits(id)));
        per_value(out, |uniform| -ln(-ln(uniform)));
    }
}

/// The uniform of 53 bits, in (0, 1].
#[inline]
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact; adding one half rounds as in the kernel")]
pub fn uniform(bits: u64) -> f64 {
    const SCALE: f64 = 1.0 / 9_007_199_254_740_992.0;
    (bits as f64 + 0.5) * SCALE
}
