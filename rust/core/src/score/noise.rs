//! The noise of each position's candidates: drawn where it is needed, or, for a stream without random access, in one
//! pass before.

use rayon::prelude::*;

use super::error::SamplingError;
use super::position::{Position, Setting};
use super::replay::Replay;
use crate::rng::{Access, RowKey, Stream, StreamError};
use crate::topk::{TopKBatch, UNRESOLVED};

/// Positions whose wishes are collected as one task.
const POSITIONS: usize = 256;

/// Where the noise of a position comes from.
pub(super) enum Noise<'a> {
    /// From the stream, at once.
    Direct(Stream, &'a [RowKey]),
    /// Drawn before: the noise of position j is `[offsets[j], offsets[j + 1])`.
    Drawn { offsets: Vec<usize>, noise: Vec<f64> },
}

impl<'a> Noise<'a> {
    /// # Errors
    /// See [`score_sampled`](super::score_sampled).
    pub(super) fn new(
        batch: &TopKBatch<'_>,
        setting: &Setting<'_>,
        replay: &Replay<'a>,
    ) -> Result<Self, SamplingError> {
        if replay.keys.len() != batch.len() {
            return Err(SamplingError::Keys { keys: replay.keys.len(), positions: batch.len() });
        }
        check_ids(batch, replay)?;
        if replay.stream.facts().access == Access::Sequential {
            return Self::draw(batch, setting, replay);
        }
        Ok(Self::Direct(replay.stream, replay.keys))
    }

    fn draw(batch: &TopKBatch<'_>, setting: &Setting<'_>, replay: &Replay<'_>) -> Result<Self, SamplingError> {
        let tasks: Vec<_> = (0..batch.len().div_ceil(POSITIONS))
            .into_par_iter()
            .map(|task| wanted_of(batch, setting, task * POSITIONS))
            .collect();
        let ids: Vec<u32> = tasks.iter().flat_map(|(ids, _)| ids.iter().copied()).collect();
        let mut offsets = vec![0];
        for length in tasks.iter().flat_map(|(_, lengths)| lengths) {
            offsets.push(offsets[offsets.len() - 1] + length);
        }
        let indptr: Vec<i64> = offsets.iter().map(|&offset| offset.cast_signed() as i64).collect();
        let mut noise = vec![0.0; ids.len()];
        replay.stream.gumbel_rows(replay.keys, &indptr, &ids, &mut noise)?;
        Ok(Self::Drawn { offsets, noise })
    }

    /// The noise that position `j` wants; `ids` and `drawn` are space to work in.
    pub(super) fn of<'n>(
        &'n self,
        j: usize,
        position: &Position<'_>,
        ids: &mut Vec<u32>,
        drawn: &'n mut Vec<f64>,
    ) -> Result<&'n [f64], SamplingError> {
        match self {
            Self::Drawn { offsets, noise } => Ok(&noise[offsets[j]..offsets[j + 1]]),
            Self::Direct(stream, keys) => {
                position.wanted(ids);
                drawn.resize(ids.len(), 0.0);
                stream.gumbel(keys[j], ids, drawn)?;
                Ok(drawn)
            }
        }
    }
}

/// Ids that the positions from `first` want, and how many each.
fn wanted_of(batch: &TopKBatch<'_>, setting: &Setting<'_>, first: usize) -> (Vec<u32>, Vec<usize>) {
    let (mut weights, mut ids) = (Vec::new(), Vec::new());
    let (mut all, mut lengths) = (Vec::new(), Vec::new());
    for j in first..batch.len().min(first + POSITIONS) {
        ids.clear();
        if let Some(position) = Position::new(batch.row(j), setting, &mut weights) {
            position.wanted(&mut ids);
        }
        lengths.push(ids.len());
        all.append(&mut ids);
    }
    (all, lengths)
}

/// Every id below the width that the stream or the replay of the tail has.
fn check_ids(batch: &TopKBatch<'_>, replay: &Replay<'_>) -> Result<(), SamplingError> {
    let Some(vocab_size) = replay.stream.vocab_size().or(replay.tail) else { return Ok(()) };
    let wrong = (0..batch.len()).into_par_iter().find_map_first(|position| {
        let row = batch.row(position);
        let mut ids = row.token_ids.iter().chain([&row.claimed]);
        ids.find(|&&id| id >= vocab_size && id != UNRESOLVED).map(|&id| (position, id))
    });
    match wrong {
        Some((position, id)) => Err(StreamError::IdOutOfRange { position, id, vocab_size }.into()),
        None => Ok(()),
    }
}
