//! Token-DiFR scoring over sparse top-k rows: slices in, `Vec`s out, no Python.
//!
//! A provider claims tokens; a reference tells the largest logprobs it would have given at each of those
//! positions. [`TopKBatch`] holds both, checked once; [`score_greedy`] says how far each claimed token was from
//! the reference's own choice (Token-DiFR, arXiv 2511.20621), and [`score_sampled`] says so of tokens that were sampled at a
//! temperature above 0, by replaying the engine's noise ([`rng`]); [`shuffled_sums`] and [`swapped_sums`] deal
//! whole sequences anew for permutation tests.
//!
//! ```
//! use token_difr_core::{Arrays, TopKBatch, score_greedy};
//!
//! // Two positions: the claimed token is the reference's first choice, then its second.
//! let batch = TopKBatch::new(Arrays {
//!     indptr: &[0, 2, 4],
//!     token_ids: &[7, 3, 5, 9],
//!     logprobs: &[-0.25, -1.75, -0.5, -1.0],
//!     claimed: &[7, 9],
//!     ..Arrays::default()
//! })?;
//! let scores = score_greedy(&batch);
//!
//! assert_eq!(scores.exact_match, [true, false]);
//! assert_eq!(scores.margin, [0.0, 0.5]);
//! # Ok::<(), token_difr_core::Error>(())
//! ```
//!
//! Every answer is the same, bit for bit, on any number of threads: positions are scored into their own slots,
//! and sums run in an order that their input fixes. Parallelism is rayon's global pool; a process that forks
//! after the pool has started must not call this crate in the child (spawn instead).

#![expect(clippy::float_cmp, reason = "ties and infinities are compared exactly, on purpose")]
#![expect(clippy::needless_bitwise_bool, reason = "without branches the compiler can vectorize comparisons")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "columns are f32; ranks and counts stay far below 2^24, offsets below 2^53"
)]

mod error;
mod exp;
mod json_parts;
mod logprob_rows;
mod resample;
pub mod rng;
mod score;
mod sum;
mod topk;
mod vocabulary;
pub mod wire;

pub use error::{Error, Result};
pub use json_parts::{JsonParts, json_parts};
pub use logprob_rows::{LogprobRows, log_normalizers, logprob_rows};
pub use resample::{shuffled_sums, swapped_sums};
pub use score::{
    FilterRule, Filters, Replay, SampledScores, SamplingError, Scores, Status, Unseen, score_greedy, score_sampled,
};
pub use topk::{Arrays, CLAIMED_TOLERANCE, LARGEST_LOGPROB, Row, TopKBatch, UNRESOLVED};
pub use vocabulary::{Form, Vocabulary};
