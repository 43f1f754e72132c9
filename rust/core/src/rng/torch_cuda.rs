//! torch's float32 `exponential_` on CUDA: the noise of vLLM's model runner V1, TGI, and Hugging Face `generate` on
//! GPUs.
//!
//! ```text
//! one call a step fills N = batch size * V values; row b, id v is element i = b V + v
//! G = min(ceil(N / 256), multiprocessors * floor(threads per multiprocessor / 256));   T = 256 G threads
//! element i: thread t = i mod T, j = i div T, call c = j div 4, lane = j mod 4
//! offset of step n: n * 4 ((N - 1) div (4 T) + 1), in units of words
//! word = philox(counter = (lo, hi of offset / 4 + c, lo, hi of t), key = (lo, hi of seed))[lane]
//! u = fl32(fl32(word) 2^-32 + 2^-33)                                      in (0, 1]
//! q = u >= 1 - 2^-24 ? 2^-24 : -ln u (float32);      arg-max of p / q, so g = -ln q
//! ```
//!
//! Source: `DistributionTemplates.h`, `TransformationHelper.h`, `curand_kernel.h`; the same values from torch 2.4 to
//! 2.15. The sizes of the GPU matter only where a row is wider than T; published GPU outputs confirm the layout there
//! too.
//!
//! The GPU takes the logarithm by an approximate instruction (`__logf`) that is published nowhere: here it is rounded
//! correctly. The noise differs by about 1e-6 relative to q, which matters for near ties alone. Everything up to u is
//! exact. Noise is finite: g lies in [-3.14, 16.64]. Steps count calls of the request's own generator, from 0; seeds
//! are 64 bits.

use super::error::StreamError;
use super::gpu::Gpu;
use super::logarithm::{ln, ln_f32};
use super::passes::{per_id, per_value};
use super::philox::philox;
use super::row::RowKey;
use super::rule::{Facts, Family, Form, Noise};
use super::words::{high, low};

const BLOCK: u32 = 256;
/// Words that one Philox call gives, and so elements a thread fills before its counter moves.
const LANES: u64 = 4;

/// torch's CUDA stream for logits of a given width on a given GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TorchCuda {
    gpu: Gpu,
    vocab_size: u32,
    batch_size: u32,
    threads: u64,
}

impl TorchCuda {
    /// The stream of calls that fill `batch_size` rows of `vocab_size` values each (1 row in vLLM and TGI).
    ///
    /// # Errors
    /// `Zero` and `TooFewThreads`, where no kernel could run.
    pub fn new(gpu: Gpu, vocab_size: u32, batch_size: u32) -> Result<Self, StreamError> {
        let sizes = [("vocab_size", vocab_size), ("batch_size", batch_size), ("multiprocessors", gpu.multiprocessors)];
        if let Some(&(name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(StreamError::Zero { name });
        }
        if gpu.threads_per_multiprocessor < BLOCK {
            return Err(StreamError::TooFewThreads { threads: gpu.threads_per_multiprocessor });
        }
        let elements = u64::from(vocab_size) * u64::from(batch_size);
        let resident = u64::from(gpu.multiprocessors) * u64::from(gpu.threads_per_multiprocessor / BLOCK);
        let threads = u64::from(BLOCK) * elements.div_ceil(u64::from(BLOCK)).min(resident);
        Ok(Self { gpu, vocab_size, batch_size, threads })
    }

    /// The GPU.
    #[must_use]
    pub fn gpu(&self) -> Gpu {
        self.gpu
    }

    /// Width of the logits.
    #[must_use]
    pub fn vocab_size(&self) -> u32 {
        self.vocab_size
    }

    /// Rows a call fills.
    #[must_use]
    pub fn batch_size(&self) -> u32 {
        self.batch_size
    }

    /// How far one call moves the generator's offset, in words.
    #[must_use]
    pub fn offset_increment(&self) -> u64 {
        self.calls_per_step() * LANES
    }

    /// Philox calls that the busiest thread makes in one step.
    fn calls_per_step(&self) -> u64 {
        let elements = u64::from(self.vocab_size) * u64::from(self.batch_size);
        (elements - 1) / (self.threads * LANES) + 1
    }

    /// Row `batch_row` of step `step`; wraps silently for steps that the engine cannot reach.
    #[must_use]
    pub fn row(&self, seed: u64, step: u64, batch_row: u32) -> CudaRow {
        CudaRow {
            key: [low(seed), high(seed)],
            first_call: step.wrapping_mul(self.calls_per_step()),
            first_element: u64::from(batch_row) * u64::from(self.vocab_size),
            threads: self.threads,
        }
    }
}

impl Family for TorchCuda {
    const FACTS: Facts = Facts { needs_gpu: true, ..Facts::BY_STEP };
    const FORMS: &'static [Form<Self>] =
        &[Form::new("torch-cuda", "", |sizes| Self::new(sizes.gpu, sizes.vocab_size, sizes.batch_size))];
}

impl Noise for TorchCuda {
    fn upper_bound(&self) -> f64 {
        -ln(f64::from(exponential(u32::MAX)))
    }

    fn fill_row(&self, key: RowKey, ids: &[u32], out: &mut [f64]) {
        self.row(key.seed, key.position, key.batch_row).fill(ids, out);
    }

    fn vocab_size(&self) -> Option<u32> {
        Some(self.vocab_size)
    }

    fn batch_size(&self) -> u32 {
        self.batch_size
    }

    fn blocks(&self) -> u64 {
        self.threads / u64::from(BLOCK)
    }

    fn reaches(&self, step: u64) -> bool {
        // A call index of a row stays below calls_per_step, so the next step's start bounds this one's counters.
        step.checked_add(1).and_then(|next| next.checked_mul(self.offset_increment())).is_some()
    }
}

/// What one row shares.
#[derive(Debug, Clone, Copy)]
pub struct CudaRow {
    key: [u32; 2],
    first_call: u64,
    first_element: u64,
    threads: u64,
}

impl CudaRow {
    /// The Philox word of an id.
    #[inline]
    #[must_use]
    pub fn word(&self, id: u32) -> u32 {
        let element = self.first_element + u64::from(id);
        if element < self.threads {
            return self.philox(self.first_call, element)[0];
        }
        let (thread, turn) = (element % self.threads, element / self.threads);
        let [first, second, third, fourth] = self.philox(self.first_call.wrapping_add(turn / LANES), thread);
        match turn % LANES {
            0 => first,
            1 => second,
            2 => third,
            _ => fourth,
        }
    }

    #[inline]
    fn philox(&self, call: u64, thread: u64) -> [u32; 4] {
        philox([low(call), high(call), low(thread), high(thread)], self.key)
    }

    /// Gumbel noise of `ids` into `out`, slot by slot.
    fn fill(&self, ids: &[u32], out: &mut [f64]) {
        per_id(ids, out, |id| f64::from(self.word(id)));
        per_value(out, gumbel_of_widened);
    }
}

/// torch's exponential of a word, with a correctly rounded logarithm in the place of the GPU's approximate one.
#[inline]
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "the kernel converts the word to float32, rounding")]
pub fn exponential(word: u32) -> f32 {
    exponential_of(word as f32)
}

/// The exponential of a word that is already rounded to float32.
#[inline]
fn exponential_of(word: f32) -> f32 {
    const HALF_EPSILON: f32 = f32::EPSILON / 2.0;
    let uniform = word * (1.0 / 4_294_967_296.0) + 1.0 / 8_589_934_592.0;
    let logarithm = -ln_f32(uniform);
    if uniform >= 1.0 - HALF_EPSILON { HALF_EPSILON } else { logarithm }
}

/// Noise of a word held in a float64.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "float32(word) rounds once, from 32 bits or from the float64 that holds them"
)]
fn gumbel_of_widened(word: f64) -> f64 {
    -ln(f64::from(exponential_of(word as f32)))
}
