//! torch's float32 `exponential_` on the CPU: the noise of Hugging Face `generate` and of this package's own server.
//!
//! ```text
//! generator: MT19937 under the low 32 bits of the seed; one call a step fills batch size * V values, row by row, in
//! order each value takes two words, high then low:  u = ((high 2^32 + low) mod 2^53) 2^-53
//! q = fl32(-ln1p(-u)), ln1p in float64;   arg-max of p / q, so g = -ln q
//! ```
//!
//! Source: torch 2.7 and later, equal to the bit (2.7.1, 2.8.0, 2.9.1, 2.13.0 and 2.15.0 were run on x86-64); builds
//! without MKL (ARM, macOS) do so in every version. For x86-64 wheels of torch 2.3 to 2.6 see `torch_cpu_mkl`.
//!
//! u = 0 (one value in 2^53) gives q = 0 and g = +inf: that candidate wins. The largest finite g is 53 ln 2 = 36.74.
//!
//! The stream is sequential, so all rows under one seed are served by one pass over the words: see
//! `fill`. Steps count calls of the generator, from 0.

use rayon::prelude::*;

use super::error::StreamError;
use super::logarithm::{ln, ln_1p};
use super::mt19937::{Mt19937, temper};
use super::row::{RowKey, RowRequest};
use super::rule::{Access, Facts, Family, Form, Noise};
use super::words::{join, low};

/// Words that one value takes.
const WORDS: usize = 2;
/// Rows of one step below which sharing them among threads costs more than it saves.
const ROWS_PER_THREAD: usize = 16;

/// Steps that a caller may ask for: passing over more would take years, so that more is a mistake.
pub(super) const LONGEST_OUTPUT: u64 = 1 << 24;

/// torch's CPU stream for logits of a given width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TorchCpu {
    vocab_size: u32,
    batch_size: u32,
}

impl TorchCpu {
    /// The stream of calls that fill `batch_size` rows of `vocab_size` values each.
    ///
    /// # Errors
    /// `Zero`, where a size is 0.
    pub fn new(vocab_size: u32, batch_size: u32) -> Result<Self, StreamError> {
        match (vocab_size, batch_size) {
            (0, _) => Err(StreamError::Zero { name: "vocab_size" }),
            (_, 0) => Err(StreamError::Zero { name: "batch_size" }),
            _ => Ok(Self { vocab_size, batch_size }),
        }
    }

    /// Width of the logits.
    #[must_use]
    pub fn vocab_size(self) -> u32 {
        self.vocab_size
    }

    /// Rows a call fills.
    #[must_use]
    pub fn batch_size(self) -> u32 {
        self.batch_size
    }

    /// Index of the row's first word in the stream, unless 64 bits cannot hold it.
    fn first_word(self, key: RowKey) -> Option<u64> {
        let rows = key.position.checked_mul(u64::from(self.batch_size))?.checked_add(u64::from(key.batch_row))?;
        rows.checked_mul(u64::from(self.vocab_size) * WORDS as u64)
    }

    /// Serve the sorted requests of one seed: while the rows that want one place read its words, the next place's are
    /// made.
    fn serve_seed(self, requests: &mut [RowRequest<'_>]) {
        let Some(first) = requests.first() else { return };
        let mut words = RowWords::new(self, first.key.seed);
        let mut ready = words.read(first.key, Vec::new());
        let mut spare = Vec::new();
        let mut places = requests.chunk_by_mut(|a, b| place(a) == place(b)).peekable();
        while let Some(rows) = places.next() {
            let upcoming = places.peek().map(|next| next[0].key);
            let (made, ()) = rayon::join(
                || upcoming.map_or_else(Vec::new, |key| words.read(key, spare)),
                || rows.par_iter_mut().with_min_len(ROWS_PER_THREAD).for_each(|row| gather(&ready, row.ids, row.out)),
            );
            spare = std::mem::replace(&mut ready, made);
        }
    }
}

/// Where a row's words are: in the order of the stream, seed by seed.
fn place(row: &RowRequest<'_>) -> (u32, u64, u32) {
    (low(row.key.seed), row.key.position, row.key.batch_row)
}

impl Family for TorchCpu {
    const FACTS: Facts = Facts { access: Access::Sequential, ..Facts::BY_STEP };
    const FORMS: &'static [Form<Self>] =
        &[Form::new("torch-cpu", "", |sizes| Self::new(sizes.vocab_size, sizes.batch_size))];
}

impl Noise for TorchCpu {
    /// u = 0 is possible.
    fn upper_bound(&self) -> f64 {
        f64::INFINITY
    }

    fn fill_row(&self, key: RowKey, ids: &[u32], out: &mut [f64]) {
        self.fill(&mut [RowRequest { key, ids, out }]);
    }

    /// Fills every row, in any order, from one pass over the words of each seed. Ids at or above the width get NaN.
    ///
    /// Memory: two rows of words (16 bytes an id of the vocabulary) for each seed that is being read.
    fn fill(&self, rows: &mut [RowRequest<'_>]) {
        rows.sort_unstable_by_key(place);
        let seeds: Vec<_> = rows.chunk_by_mut(|a, b| low(a.key.seed) == low(b.key.seed)).collect();
        seeds.into_par_iter().for_each(|rows| self.serve_seed(rows));
    }

    fn vocab_size(&self) -> Option<u32> {
        Some(self.vocab_size)
    }

    fn batch_size(&self) -> u32 {
        self.batch_size
    }

    fn reaches(&self, step: u64) -> bool {
        step < LONGEST_OUTPUT
    }
}

/// Reads rows of raw words, each place of the stream once and in ascending order.
struct RowWords {
    stream: TorchCpu,
    generator: Mt19937,
    position: u64,
}

impl RowWords {
    fn new(stream: TorchCpu, seed: u64) -> Self {
        Self { stream, generator: Mt19937::new(low(seed)), position: 0 }
    }

    /// The raw words of a row that is not before the last one, into `buffer`; none where 64 bits cannot count them.
    fn read(&mut self, key: RowKey, mut buffer: Vec<u32>) -> Vec<u32> {
        buffer.resize(self.stream.vocab_size as usize * WORDS, 0);
        let Some(first_word) = self.stream.first_word(key) else { return Vec::new() };
        self.generator.skip(first_word.saturating_sub(self.position));
        self.generator.read_raw(&mut buffer);
        self.position = first_word.saturating_add(buffer.len() as u64);
        buffer
    }
}

/// Noise of `ids` from a row's raw words.
fn gather(raw: &[u32], ids: &[u32], out: &mut [f64]) {
    for (slot, &id) in out.iter_mut().zip(ids) {
        let start = id as usize * WORDS;
        *slot = match raw.get(start..start + WORDS) {
            Some(&[high, low]) => gumbel(temper(high), temper(low)),
            _ => f64::NAN,
        };
    }
}

/// One sequence's noise, row after row: for a sampler that draws whole vocabularies.
#[derive(Debug, Clone)]
pub struct DenseRows {
    generator: Mt19937,
}

impl DenseRows {
    /// The stream under `seed` (its low 32 bits), at its start.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { generator: Mt19937::new(low(seed)) }
    }

    /// The next call of `exponential_`, as Gumbel noise: `out.len()` values in order.
    pub fn next_row(&mut self, out: &mut [f64]) {
        for slot in out {
            let high = self.generator.next_u32();
            *slot = gumbel(high, self.generator.next_u32());
        }
    }
}

/// torch's exponential of two words.
#[inline]
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "53 bits are exact; torch rounds to float32"
)]
pub fn exponential(high: u32, low: u32) -> f32 {
    const SCALE: f64 = 1.0 / 9_007_199_254_740_992.0;
    let uniform = (join(high, low) & ((1 << 53) - 1)) as f64 * SCALE;
    -ln_1p(-uniform) as f32
}

/// Gumbel noise of two words.
#[inline]
fn gumbel(high: u32, low: u32) -> f64 {
    -ln(f64::from(exponential(high, low)))
}
