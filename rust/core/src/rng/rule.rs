//! What a random stream must tell of itself: the facts that hold for every size, the names it goes by, and its noise.
//!
//! A new stream is a module with one type that implements [`Noise`] and [`Family`], and one line in the table of
//! [`rng`](super). Whoever replays it asks for its facts and never for its name.

use rayon::prelude::*;

use super::error::StreamError;
use super::gpu::Gpu;
use super::row::{RowKey, RowRequest};

/// Rows below which another thread costs more than it saves.
const ROWS_PER_THREAD: usize = 256;

/// What `RowKey::position` means to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyedBy {
    /// Index of the last input token: prompt length - 1 + n.
    Position,
    /// Number n of the output token, from 0.
    Step,
}

/// How a stream reaches a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Any id of any row at once.
    Random,
    /// By passing over all words before it, so that rows are best asked for together.
    Sequential,
}

/// What is the same for all streams of a family, whatever their sizes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Facts {
    /// What `RowKey::position` means.
    pub keyed_by: KeyedBy,
    /// The noise of an id depends on the width of the logits.
    pub needs_vocab_size: bool,
    /// It depends on the GPU.
    pub needs_gpu: bool,
    /// How a row is reached.
    pub access: Access,
    /// Draft models of speculative decoding draw from it, under a key of their own.
    pub drafts: bool,
    /// What the engine adds to every probability before the logarithm; 0 for most.
    pub probability_floor: f64,
}

impl Facts {
    /// A counter-based stream keyed by position, as engines write them for themselves.
    pub(super) const BY_POSITION: Self = Self {
        keyed_by: KeyedBy::Position,
        needs_vocab_size: false,
        needs_gpu: false,
        access: Access::Random,
        drafts: false,
        probability_floor: 0.0,
    };
    /// torch's own generator: one call a step fills a whole row of logits.
    pub(super) const BY_STEP: Self = Self { keyed_by: KeyedBy::Step, needs_vocab_size: true, ..Self::BY_POSITION };
}

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

/// A name that a family goes by.
pub(super) struct Form<S> {
    pub(super) name: &'static str,
    /// Which form of that name; empty where there is one, or for the one that the others are variants of.
    pub(super) variant: &'static str,
    /// The variant whose noise differs in last bits or in one value of 2^32 alone, so that tokens do not tell the two
    /// apart; itself for most.
    pub(super) alike: &'static str,
    /// The stream of these sizes.
    pub(super) make: fn(Sizes) -> Result<S, StreamError>,
}

impl<S> Form<S> {
    /// A form that tokens tell from all others.
    pub(super) const fn new(
        name: &'static str,
        variant: &'static str,
        make: fn(Sizes) -> Result<S, StreamError>,
    ) -> Self {
        Self { name, variant, alike: variant, make }
    }
}

/// Streams that are one rule with different parameters.
pub(super) trait Family: Noise + Sized + 'static {
    /// What holds for all of them.
    const FACTS: Facts;
    /// What they are called.
    const FORMS: &'static [Form<Self>];
}

/// The noise of one stream.
pub(super) trait Noise: Sync {
    /// No noise is larger; +inf where noise can be infinite.
    fn upper_bound(&self) -> f64;

    /// Noise of a row, slot by slot. The key and the ids have been checked.
    fn fill_row(&self, key: RowKey, ids: &[u32], out: &mut [f64]);

    /// Noise of many rows.
    fn fill(&self, rows: &mut [RowRequest<'_>]) {
        rows.par_iter_mut().with_min_len(ROWS_PER_THREAD).for_each(|row| self.fill_row(row.key, row.ids, row.out));
    }

    /// Width of the logits, where it matters; ids must be below.
    fn vocab_size(&self) -> Option<u32> {
        None
    }

    /// Rows of the engine's batch that share one call of the generator.
    fn batch_size(&self) -> u32 {
        1
    }

    /// Blocks of the kernel that fills a row, where the noise depends on them; else 0.
    fn blocks(&self) -> u64 {
        0
    }

    /// Whether the stream has a row at that position or step.
    fn reaches(&self, _position: u64) -> bool {
        true
    }
}
