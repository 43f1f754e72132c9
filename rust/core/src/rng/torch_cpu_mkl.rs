//! **Experimental**: torch's float32 `exponential_` on x86-64 CPUs in the wheels of torch 2.3 to 2.6, which call Intel
//! MKL.
//!
//! ```text
//! call n of the generator draws one MT19937 word s_n (seed: low 32 bits);  x_0 = s_n mod (2^31 - 1), 0 becoming 1
//! x_{i+1} = 1132489760 x_i mod (2^31 - 1)                                                   MCG31m1
//! element i = batch row * V + id:   u = fl32(x_i / (2^31 - 1));   q = fl32(-ln u), at least 2^-126;   g = -ln q
//! ```
//!
//! Source: the MKL branch of torch's `exponential_kernel`; L'Ecuyer, Mathematics of Computation 68 (1999) for the
//! multiplier. Checked against `vsRngExponential` of MKL 2025.2, which is right but for one unit in the last place in 8
//! % of values (MKL's logarithm is its own), and by hand against torch 2.3.1, 2.4.0, 2.5.1 and 2.6.0; experimental
//! because no values printed by those versions are among the tests. An element is reached by modular powers, a call by
//! passing over one word a step. Noise is finite: g lies in [-3.07, 87.34], and but for the 64 states next to 2^31 - 1,
//! whose u rounds to 1, it is at most 16.64.

use super::error::StreamError;
use super::logarithm::{ln, ln_f32};
use super::mt19937::Mt19937;
use super::row::RowKey;
use super::rule::{Facts, Family, Form, Noise};
use super::torch_cpu::{LONGEST_OUTPUT, TorchCpu};
use super::words::low;

const MODULUS: u64 = (1 << 31) - 1;
const MULTIPLIER: u64 = 1_132_489_760;

/// torch's CPU stream of the MKL era for logits of a given width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TorchCpuMkl {
    width: TorchCpu,
}

impl TorchCpuMkl {
    /// The stream of calls that fill `batch_size` rows of `vocab_size` values each.
    ///
    /// # Errors
    /// `Zero`, where a size is 0.
    pub fn new(vocab_size: u32, batch_size: u32) -> Result<Self, StreamError> {
        Ok(Self { width: TorchCpu::new(vocab_size, batch_size)? })
    }

    /// Width of the logits.
    #[must_use]
    pub fn vocab_size(self) -> u32 {
        self.width.vocab_size()
    }

    /// Rows a call fills.
    #[must_use]
    pub fn batch_size(self) -> u32 {
        self.width.batch_size()
    }

    /// Row `batch_row` of step `step`.
    #[must_use]
    pub fn row(self, seed: u64, step: u64, batch_row: u32) -> MklRow {
        let mut generator = Mt19937::new(low(seed));
        generator.skip(step);
        let start = (u64::from(generator.next_u32()) % MODULUS).max(1);
        let first_element = u64::from(batch_row) * u64::from(self.vocab_size());
        MklRow { state: multiply(start, power(first_element)) }
    }
}

impl Family for TorchCpuMkl {
    const FACTS: Facts = Facts::BY_STEP;
    const FORMS: &'static [Form<Self>] =
        &[Form::new("torch-cpu", "mkl", |sizes| Self::new(sizes.vocab_size, sizes.batch_size))];
}

impl Noise for TorchCpuMkl {
    fn upper_bound(&self) -> f64 {
        -ln(f64::from(f32::MIN_POSITIVE))
    }

    fn fill_row(&self, key: RowKey, ids: &[u32], out: &mut [f64]) {
        self.row(key.seed, key.position, key.batch_row).fill(ids, out);
    }

    fn vocab_size(&self) -> Option<u32> {
        Some(self.width.vocab_size())
    }

    fn batch_size(&self) -> u32 {
        self.width.batch_size()
    }

    fn reaches(&self, step: u64) -> bool {
        step < LONGEST_OUTPUT
    }
}

/// What one row shares: the generator's state at its first element.
#[derive(Debug, Clone, Copy)]
pub struct MklRow {
    state: u64,
}

impl MklRow {
    /// The exponential of an id.
    #[inline]
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "31 bits are exact; MKL rounds to float32"
    )]
    pub fn exponential(self, id: u32) -> f32 {
        let state = multiply(self.state, power(u64::from(id)));
        (-ln_f32((state as f64 / MODULUS as f64) as f32)).max(f32::MIN_POSITIVE)
    }

    /// Gumbel noise of `ids` into `out`, slot by slot.
    fn fill(self, ids: &[u32], out: &mut [f64]) {
        for (slot, &id) in out.iter_mut().zip(ids) {
            *slot = -ln(f64::from(self.exponential(id)));
        }
    }
}

#[inline]
const fn multiply(a: u64, b: u64) -> u64 {
    a * b % MODULUS
}

/// The multiplier to the power `exponent`, by squaring.
#[inline]
const fn power(mut exponent: u64) -> u64 {
    let (mut result, mut square) = (1, MULTIPLIER);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, square);
        }
        square = multiply(square, square);
        exponent >>= 1;
    }
    result
}
