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
//! | `VllmCpu` | vLLM 0.32 and later on CPUs | output step | in order; one pass serves a seed |
//! | `TorchCuda` | vLLM's model runner V1, TGI, Hugging Face on CUDA | output step | any id at once |
//! | `TorchCpu` | Hugging Face on CPUs (torch 2.7 and later), vLLM to 0.31 on CPUs, this package's server | output step | in order; one pass serves a seed |
//! | `TorchCpuMkl` (experimental) | the same with torch 2.3 to 2.6 on x86-64 | output step | any id at once |
//! | `SglangMurmur`, `SglangPrime` | `SGLang`'s deterministic mode | position; column instead of id | any id at once |
//!
//! *Position* is the index of the last input token: prompt length - 1 + n for output token n. *Output step* is n.
//! *Column* is the token id, or the rank in the full descending sort where a filter is active (see [`sglang`]).
//!
//! # What is promised
//!
//! The same request gives the same bits on every platform and for any number of threads; a test pins them. Seeds are 64
//! bits (engines take theirs modulo 2^64; torch's CPU generator, and what takes its words, use the low 32). There is no default seed. Noise is
//! never NaN; it is +inf where the engine's exponential can be 0 (`VllmPhilox` 0.20, `SglangMurmur` without ceiling,
//! `TorchCpu`, `VllmCpu`): that candidate wins.

mod error;
pub mod gpu;
mod logarithm;
pub mod mt19937;
pub mod murmur3;
mod passes;
pub mod philox;
mod request;
mod row;
mod rule;
pub mod sglang;
pub mod torch_cpu;
pub mod torch_cpu_mkl;
pub mod torch_cuda;
pub mod vllm_cpu;
mod words;

pub use error::StreamError;
pub use row::RowKey;
pub use rule::{Access, Facts, KeyedBy, Sizes};

use row::RowRequest;
use rule::{Family, Form, Noise};

/// The enumeration of all streams, their names and their facts, from one line a family.
macro_rules! streams {
    ($($(#[$about:meta])* $stream:ident($family:ty),)+) => {
        /// The rule by which an engine turns (seed, position or step, token id) into noise.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Stream {
            $($(#[$about])* $stream($family),)+
        }

        impl Stream {
            /// Name and variant of every stream, as tables and the Python package use them.
            #[must_use]
            pub fn names() -> Vec<(&'static str, &'static str)> {
                [$(names_of(<$family>::FORMS),)+].concat()
            }

            /// The stream of that name and variant: a pair of [`Stream::names`].
            ///
            /// # Errors
            /// `UnknownStream`; `Zero` and `TooFewThreads` for sizes that a stream cannot have.
            pub fn named(name: &str, variant: &str, sizes: Sizes) -> Result<Self, StreamError> {
                $(if let Some(form) = find(<$family>::FORMS, name, variant) {
                    return (form.make)(sizes).map(Self::$stream);
                })+
                Err(unknown(name, variant))
            }

            /// What holds for the stream of that name whatever its sizes, and the variant which tokens do not tell from
            /// it: itself for most.
            ///
            /// # Errors
            /// `UnknownStream`.
            pub fn described(name: &str, variant: &str) -> Result<(Facts, &'static str), StreamError> {
                $(if let Some(form) = find(<$family>::FORMS, name, variant) {
                    return Ok((<$family>::FACTS, form.alike));
                })+
                Err(unknown(name, variant))
            }

            /// What holds for the stream whatever its sizes.
            #[must_use]
            pub fn facts(&self) -> Facts {
                match self {
                    $(Self::$stream(_) => <$family>::FACTS,)+
                }
            }

            fn noise(&self) -> &dyn Noise {
                match self {
                    $(Self::$stream(family) => family,)+
                }
            }
        }
    };
}

streams! {
    /// vLLM 0.31 and later.
    VllmMurmur3(murmur3::Precision),
    /// vLLM 0.13 to 0.30 with model runner V2.
    VllmPhilox(philox::PhiloxTransform),
    /// vLLM 0.32 and later on CPUs.
    VllmCpu(vllm_cpu::VllmCpu),
    /// torch on CUDA.
    TorchCuda(torch_cuda::TorchCuda),
    /// torch 2.7 and later on the CPU.
    TorchCpu(torch_cpu::TorchCpu),
    /// torch 2.3 to 2.6 on x86-64 CPUs, experimental.
    TorchCpuMkl(torch_cpu_mkl::TorchCpuMkl),
    /// `SGLang` 0.5.9 and later.
    SglangMurmur(sglang::LogCeiling),
    /// `SGLang` 0.5.3 to 0.5.8.
    SglangPrime(sglang::Prime),
}

fn find<S>(forms: &'static [Form<S>], name: &str, variant: &str) -> Option<&'static Form<S>> {
    forms.iter().find(|form| form.name == name && form.variant == variant)
}

fn names_of<S>(forms: &'static [Form<S>]) -> Vec<(&'static str, &'static str)> {
    forms.iter().map(|form| (form.name, form.variant)).collect()
}

fn unknown(name: &str, variant: &str) -> StreamError {
    StreamError::UnknownStream { name: name.to_owned(), variant: variant.to_owned() }
}

impl Stream {
    /// Width of the logits, where the stream depends on it; ids must be below.
    #[must_use]
    pub fn vocab_size(&self) -> Option<u32> {
        self.noise().vocab_size()
    }

    /// Rows of the engine's batch that share one call of the generator; 1 for streams that know no batches.
    #[must_use]
    pub fn batch_size(&self) -> u32 {
        self.noise().batch_size()
    }

    /// Blocks of the GPU's kernel that fills a row: streams that differ in nothing else give the same noise where it is
    /// the same. 0 where no GPU matters.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.noise().blocks()
    }

    /// No noise of this stream is larger: a candidate that loses with this noise needs no logarithm. +inf where noise
    /// can be infinite.
    #[must_use]
    pub fn upper_bound(&self) -> f64 {
        self.noise().upper_bound()
    }

    /// Noise of one row: `out[i]` is the Gumbel noise of `ids[i]` (`SGLang`: column `ids[i]`).
    ///
    /// Costs the row's ids, except for a sequential stream, which passes over all words before the row: use
    /// [`Stream::gumbel_rows`] there.
    ///
    /// # Errors
    /// `LengthMismatch`, `IdOutOfRange`, `BatchRowOutOfRange`, `StepOutOfRange`; `out` is then untouched.
    pub fn gumbel(&self, key: RowKey, ids: &[u32], out: &mut [f64]) -> Result<(), StreamError> {
        request::check_lengths(ids, out)?;
        request::check_row(self.noise(), key, ids, 0)?;
        self.noise().fill_row(key, ids, out);
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
        request::check_rows(self.noise(), &requests)?;
        self.noise().fill(&mut requests);
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
                keys.iter().zip(noise.chunks_mut(length)).map(|(&key, out)| RowRequest { key, ids, out }).collect()
            }
        };
        request::check_rows(self.noise(), &requests)?;
        self.noise().fill(&mut requests);
        drop(requests);
        Ok(noise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_stream_and_no_other_has() {
        let gpu = gpu::Gpu { multiprocessors: 1, threads_per_multiprocessor: 256 };
        let sizes = Sizes { vocab_size: 10, batch_size: 1, gpu };
        let names = Stream::names();
        let streams: std::collections::HashSet<_> =
            names.iter().map(|(name, variant)| Stream::named(name, variant, sizes).expect("a known name")).collect();

        assert_eq!(streams.len(), names.len());
        assert!(matches!(Stream::named("vllm", "", sizes), Err(StreamError::UnknownStream { .. })));
    }

    #[test]
    fn streams_keep_what_their_families_say() {
        let gpu = gpu::Gpu { multiprocessors: 1, threads_per_multiprocessor: 256 };
        for (name, variant) in Stream::names() {
            let stream =
                Stream::named(name, variant, Sizes { vocab_size: 10, batch_size: 1, gpu }).expect("a known name");
            let (facts, alike) = Stream::described(name, variant).expect("a known name");

            assert_eq!(stream.facts(), facts);
            assert_eq!(stream.vocab_size().is_some(), facts.needs_vocab_size, "{name}");
            assert_eq!(stream.blocks() > 0, facts.needs_gpu, "{name}");
            assert!(Stream::described(name, alike).is_ok_and(|(of_alike, _)| of_alike == facts), "{name}");
        }
    }
}
