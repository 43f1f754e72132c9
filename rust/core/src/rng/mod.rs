//! Random streams: the noise that an inference engine adds to its logits, replayed from the request's seed.
//!
//! An engine at temperature T > 0 picks the arg-max of `l_v + T g_v`, with Gumbel noise `g_v` (or, the same thing, of
//! `p_v / q_v` with exponential noise `q_v = exp(-g_v)`). A [`Stream`] is plain data that says which engine; the noise
//! is a function of the seed, of where the token stands, and of the token id.
//!
//! | stream | engines | keyed by | access |
//! |---|---|---|---|
//! | `VllmMurmur3` | vLLM 0.31 and later | position | any id at once |
//! | `VllmPhilox` | vLLM 0.13 to 0.30, model runner V2 | position | any id at once |
//! | `TorchCuda` | vLLM's model runner V1, TGI, Hugging Face on CUDA | output step | any id at once |
//! | `TorchCpu` | Hugging Face on CPUs (torch 2.7 and later), this package's server | output step | in order; one pass serves a seed |
//! | `TorchCpuMkl` (experimental) | the same with torch 2.3 to 2.6 on x86-64 | output step | any id at once |
//! | `SglangMurmur`, `SglangPrime` | `SGLang`'s deterministic mode | position; column instead of id | any id at once |
//!
//! *Position* is the index of the last input token: prompt length - 1 + n for output token n. *Output step* is n.
//! *Column* is the token id, or the rank in the full descending sort where a filter is active (see [`sglang`]).
//!
//! # What is promised
//!
//! The same request gives the same bits on every platform and for any number of threads; a test pins them. Seeds are 64
//! bits (engines take theirs modulo 2^64; torch's CPU generator uses the low 32). There is no default seed. Noise is
//! never NaN; it is +inf where the engine's exponential can be 0 (`VllmPhilox` 0.20, `SglangMurmur` without ceiling,
//! `TorchCpu`): that candidate wins.

mod error;
mod logarithm;
pub mod mt19937;
pub mod murmur3;
pub mod named;
mod passes;
pub mod philox;
mod request;
pub mod sglang;
pub mod torch_cpu;
pub mod torch_cpu_mkl;
pub mod torch_cuda;
mod words;

pub use error::StreamError;
pub use request::RowKey;

use murmur3::{MurmurRow, Precision};
use philox::{PhiloxRow, PhiloxTransform};
use sglang::{LogCeiling, MurmurColumns, PrimeColumns};
use torch_cpu::{RowRequest, TorchCpu};
use torch_cpu_mkl::{MklRow, TorchCpuMkl};
use torch_cuda::{CudaRow, TorchCuda};

/// The rule by which an engine turns (seed, position or step, token id) into noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stream {
    /// vLLM 0.31 and later.
    VllmMurmur3(Precision),
    /// vLLM 0.13 to 0.30 with model runner V2.
    VllmPhilox(PhiloxTransform),
    /// torch on CUDA.
    TorchCuda(TorchCuda),
    /// torch 2.7 and later on the CPU.
    TorchCpu(TorchCpu),
    /// torch 2.3 to 2.6 on x86-64 CPUs, experimental.
    TorchCpuMkl(TorchCpuMkl),
    /// `SGLang` 0.5.9 and later.
    SglangMurmur(LogCeiling),
    /// `SGLang` 0.5.3 to 0.5.8.
    SglangPrime,
}

/// What `RowKey::position` means to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyedBy {
    /// Index of the last input token: prompt length - 1 + n.
    Position,
    /// Number n of the output token, from 0.
    Step,
}

impl Stream {
    /// What `RowKey::position` means to this stream.
    #[must_use]
    pub fn keyed_by(&self) -> KeyedBy {
        match self {
            Self::TorchCuda(_) | Self::TorchCpu(_) | Self::TorchCpuMkl(_) => KeyedBy::Step,
            _ => KeyedBy::Position,
        }
    }

    /// Width of the logits, where the stream depends on it; ids must be below.
    #[must_use]
    pub fn vocab_size(&self) -> Option<u32> {
        match self {
            Self::TorchCuda(stream) => Some(stream.vocab_size()),
            Self::TorchCpu(stream) => Some(stream.vocab_size()),
            Self::TorchCpuMkl(stream) => Some(stream.vocab_size()),
            _ => None,
        }
    }

    /// Rows of the engine's batch that share one call of the generator; 1 for streams that know no batches.
    #[must_use]
    pub fn batch_size(&self) -> u32 {
        match self {
            Self::TorchCuda(stream) => stream.batch_size(),
            Self::TorchCpu(stream) => stream.batch_size(),
            Self::TorchCpuMkl(stream) => stream.batch_size(),
            _ => 1,
        }
    }

    /// No noise of this stream is larger: a candidate that loses with this noise needs no logarithm. +inf where noise
    /// can be infinite.
    #[must_use]
    pub fn upper_bound(&self) -> f64 {
        match self {
            Self::VllmMurmur3(precision) => precision.upper_bound(),
            Self::VllmPhilox(transform) => transform.upper_bound(),
            Self::TorchCuda(_) => torch_cuda::upper_bound(),
            Self::TorchCpu(_) => f64::INFINITY,
            Self::TorchCpuMkl(_) => torch_cpu_mkl::upper_bound(),
            Self::SglangMurmur(ceiling) => ceiling.upper_bound(),
            Self::SglangPrime => sglang::prime_upper_bound(),
        }
    }

    /// Noise of one row: `out[i]` is the Gumbel noise of `ids[i]` (`SGLang`: column `ids[i]`).
    ///
    /// Costs the row's ids, except for `TorchCpu`, which passes over all words before the row: use
    /// [`Stream::gumbel_rows`] there.
    ///
    /// # Errors
    /// `LengthMismatch`, `IdOutOfRange`, `BatchRowOutOfRange`, `StepOutOfRange`; `out` is then untouched.
    pub fn gumbel(&self, key: RowKey, ids: &[u32], out: &mut [f64]) -> Result<(), StreamError> {
        request::check_lengths(ids, out)?;
        request::check_row(self, key, ids, 0)?;
        match self.row(key) {
            Some(row) => row.fill(ids, out),
            None => self.fill_in_order(&mut [request::request(key, ids, out)]),
        }
        Ok(())
    }

    /// Noise of many rows: row j has the key `keys[j]` and the ids `ids[indptr[j]..indptr[j + 1]]`. Parallel over rows;
    /// the same bits for any number of threads.
    ///
    /// # Errors
    /// As [`Stream::gumbel`], and `Offsets`; the first row that is wrong is named, and `out` is then untouched.
    pub fn gumbel_rows(
        &self,
        keys: &[RowKey],
        indptr: &[i64],
        ids: &[u32],
        out: &mut [f64],
    ) -> Result<(), StreamError> {
        request::check_lengths(ids, out)?;
        let mut requests = request::split(keys, indptr, ids, out)?;
        request::check_rows(self, &requests)?;
        self.fill(&mut requests);
        Ok(())
    }

    /// Noise of the same `ids` in many rows, row after row. As [`Stream::gumbel_rows`], and without a request a row.
    ///
    /// # Errors
    /// As [`Stream::gumbel`].
    pub fn gumbel_grid(&self, keys: &[RowKey], ids: &[u32]) -> Result<Vec<f64>, StreamError> {
        let mut noise = vec![0.0; keys.len() * ids.len()];
        let mut requests: Vec<_> = match ids.len() {
            0 => Vec::new(),
            length => {
                keys.iter().zip(noise.chunks_mut(length)).map(|(&key, out)| request::request(key, ids, out)).collect()
            }
        };
        request::check_rows(self, &requests)?;
        self.fill(&mut requests);
        drop(requests);
        Ok(noise)
    }

    /// Fill requests that have been checked.
    fn fill(&self, requests: &mut [RowRequest<'_>]) {
        if let Self::TorchCpu(_) = self {
            self.fill_in_order(requests);
        } else {
            request::for_each_row(requests, |key, ids, out| {
                if let Some(row) = self.row(key) {
                    row.fill(ids, out);
                }
            });
        }
    }

    fn fill_in_order(&self, requests: &mut [RowRequest<'_>]) {
        if let Self::TorchCpu(stream) = self {
            stream.fill_rows(requests);
        }
    }

    /// What a row's ids share, computed once; none for the one stream that has no random access.
    fn row(&self, key: RowKey) -> Option<Row> {
        let RowKey { seed, position, batch_row } = key;
        Some(match self {
            Self::VllmMurmur3(precision) => Row::VllmMurmur3(MurmurRow::new(*precision, seed, position)),
            Self::VllmPhilox(transform) => Row::VllmPhilox(PhiloxRow::new(*transform, seed, position)),
            Self::TorchCuda(stream) => Row::TorchCuda(stream.row(seed, position, batch_row)),
            Self::TorchCpu(_) => return None,
            Self::TorchCpuMkl(stream) => Row::TorchCpuMkl(stream.row(seed, position, batch_row)),
            Self::SglangMurmur(ceiling) => Row::SglangMurmur(MurmurColumns::new(*ceiling, seed, position)),
            Self::SglangPrime => Row::SglangPrime(PrimeColumns::new(seed, position)),
        })
    }
}

/// A row of a stream with random access.
enum Row {
    VllmMurmur3(MurmurRow),
    VllmPhilox(PhiloxRow),
    TorchCuda(CudaRow),
    TorchCpuMkl(MklRow),
    SglangMurmur(MurmurColumns),
    SglangPrime(PrimeColumns),
}

impl Row {
    fn fill(&self, ids: &[u32], out: &mut [f64]) {
        match self {
            Self::VllmMurmur3(row) => row.fill(ids, out),
            Self::VllmPhilox(row) => row.fill(ids, out),
            Self::TorchCuda(row) => row.fill(ids, out),
            Self::TorchCpuMkl(row) => row.fill(ids, out),
            Self::SglangMurmur(row) => row.fill(ids, out),
            Self::SglangPrime(row) => row.fill(ids, out),
        }
    }
}
