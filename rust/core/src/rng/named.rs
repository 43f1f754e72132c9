//! Streams by the names that tables and the Python package use.

use super::murmur3::Precision;
use super::philox::PhiloxTransform;
use super::sglang::LogCeiling;
use super::torch_cpu::TorchCpu;
use super::torch_cpu_mkl::TorchCpuMkl;
use super::torch_cuda::{Gpu, TorchCuda};
use super::{Stream, StreamError};

/// Name and variant of every stream.
pub const NAMES: [(&str, &str); 12] = [
    ("vllm-murmur3", "float32"),
    ("vllm-murmur3", "float64"),
    ("vllm-philox", "0.13"),
    ("vllm-philox", "0.17"),
    ("vllm-philox", "0.20"),
    ("vllm-philox", "0.25"),
    ("torch-cuda", ""),
    ("torch-cpu", ""),
    ("torch-cpu", "mkl"),
    ("sglang-murmur", ""),
    ("sglang-murmur", "ceiling"),
    ("sglang-prime", ""),
];

/// Sizes that some streams depend on; others ignore them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sizes {
    /// Width of the model's logits.
    pub vocab_size: u32,
    /// Rows that one call of the generator fills.
    pub batch_size: u32,
    /// The GPU.
    pub gpu: Gpu,
}

impl Stream {
    /// The stream of that name and variant: a pair of [`NAMES`].
    ///
    /// # Errors
    /// `UnknownStream`; `Zero` and `TooFewThreads` for sizes that a stream cannot have.
    pub fn named(name: &str, variant: &str, sizes: Sizes) -> Result<Self, StreamError> {
        let Sizes { vocab_size, batch_size, gpu } = sizes;
        Ok(match (name, variant) {
            ("vllm-murmur3", "float32") => Self::VllmMurmur3(Precision::Single),
            ("vllm-murmur3", "float64") => Self::VllmMurmur3(Precision::Double),
            ("vllm-philox", "0.13") => Self::VllmPhilox(PhiloxTransform::V0_13),
            ("vllm-philox", "0.17") => Self::VllmPhilox(PhiloxTransform::V0_17),
            ("vllm-philox", "0.20") => Self::VllmPhilox(PhiloxTransform::V0_20),
            ("vllm-philox", "0.25") => Self::VllmPhilox(PhiloxTransform::V0_25),
            ("torch-cuda", "") => Self::TorchCuda(TorchCuda::new(gpu, vocab_size, batch_size)?),
            ("torch-cpu", "") => Self::TorchCpu(TorchCpu::new(vocab_size, batch_size)?),
            ("torch-cpu", "mkl") => Self::TorchCpuMkl(TorchCpuMkl::new(vocab_size, batch_size)?),
            ("sglang-murmur", "") => Self::SglangMurmur(LogCeiling::Absent),
            ("sglang-murmur", "ceiling") => Self::SglangMurmur(LogCeiling::Present),
            ("sglang-prime", "") => Self::SglangPrime,
            _ => return Err(StreamError::UnknownStream { name: name.to_owned(), variant: variant.to_owned() }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_stream_and_no_other_has() {
        let gpu = Gpu { multiprocessors: 1, threads_per_multiprocessor: 256 };
        let sizes = Sizes { vocab_size: 10, batch_size: 1, gpu };
        let streams: std::collections::HashSet<_> =
            NAMES.iter().map(|(name, variant)| Stream::named(name, variant, sizes).expect("a known name")).collect();

        assert_eq!(streams.len(), NAMES.len());
        assert!(matches!(Stream::named("vllm", "", sizes), Err(StreamError::UnknownStream { .. })));
    }
}
