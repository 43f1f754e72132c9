//! What can be wrong with a request for noise.

use thiserror::Error;

/// Why a stream could not be set up or read. Every variant carries the numbers that a caller needs to put it right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// `ids` and `out` of one request differ in length.
    #[error("out has {out} slots for {ids} token ids: give one slot an id")]
    LengthMismatch {
        /// Number of token ids.
        ids: usize,
        /// Number of output slots.
        out: usize,
    },
    /// `indptr` does not cut `ids` into one slice a row.
    #[error(
        "indptr[{position}] does not continue the rows: it needs {rows} + 1 non-decreasing offsets from 0 to {ids}"
    )]
    Offsets {
        /// Index into `indptr` where it goes wrong.
        position: usize,
        /// Number of rows asked for.
        rows: usize,
        /// Number of token ids.
        ids: usize,
    },
    /// A token id lies outside the logits.
    #[error("token_ids[{position}] = {id} is not below vocab_size = {vocab_size}, the width of the model's logits")]
    IdOutOfRange {
        /// Index into the token ids.
        position: usize,
        /// The id.
        id: u32,
        /// Width of the logits.
        vocab_size: u32,
    },
    /// The row of a batch that the stream does not have.
    #[error("batch_row {batch_row} is not below batch_size {batch_size}")]
    BatchRowOutOfRange {
        /// The row asked for.
        batch_row: u32,
        /// Rows in the engine's batch; 1 for streams that know no batches.
        batch_size: u32,
    },
    /// A size that must be at least 1 is 0.
    #[error("{name} is 0: it must be at least 1")]
    Zero {
        /// The parameter.
        name: &'static str,
    },
    /// A grid on which the kernel cannot run.
    #[error("threads_per_multiprocessor is {threads}: the kernel's blocks need at least 256")]
    TooFewThreads {
        /// Threads that one multiprocessor holds.
        threads: u32,
    },
    /// The output step lies beyond the engine's own counters, or beyond the 2^24 that sequential streams are passed over.
    #[error("output step {step} lies beyond this stream's range: is it a position, or a negative number?")]
    StepOutOfRange {
        /// The step asked for.
        step: u64,
    },
    /// A GPU that is not in the table.
    #[error("no GPU is called {name:?} here; known: {known}; or give multiprocessors and threads per multiprocessor")]
    UnknownGpu {
        /// The name asked for.
        name: String,
        /// The names of the table.
        known: String,
    },
    /// A stream that does not exist.
    #[error("no random stream is called {name:?} with variant {variant:?}")]
    UnknownStream {
        /// The name asked for.
        name: String,
        /// The variant asked for.
        variant: String,
    },
}
