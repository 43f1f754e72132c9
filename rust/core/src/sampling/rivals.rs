//! `tail = "replay"`: could a token that the row does not show have won?
//!
//! An unseen token has at most the logprob `cap`; where `cap + T g` of one of them is above every candidate's z, and the
//! support may reach beyond the row, the claimed token may have lost to it.

use rayon::prelude::*;

use super::{Filters, Replay, SamplingError, TokenScore};
use crate::rng::Stream;
use crate::topk::{Row, TopKBatch};

/// Rows of a sequential stream that are held at once.
const ROWS: usize = 32;

/// One flag a position.
pub(super) fn possible(
    batch: &TopKBatch<'_>,
    filters: &Filters,
    replay: &Replay<'_>,
    tokens: &[TokenScore],
) -> Result<Vec<bool>, SamplingError> {
    let all: Vec<u32> = (0..replay.tail.unwrap_or_default()).collect();
    let mut flags = vec![false; batch.len()];
    let asked: Vec<usize> = (0..batch.len()).filter(|&j| tokens[j].rivals[1] > f64::NEG_INFINITY).collect();
    let rows = if matches!(replay.stream, Stream::TorchCpu(_)) { ROWS } else { 1 };
    let found: Vec<(usize, bool)> = asked
        .par_chunks(rows)
        .map(|positions| {
            let keys: Vec<_> = positions.iter().map(|&j| replay.keys[j]).collect();
            let noise = replay.stream.gumbel_grid(&keys, &all)?;
            let answers = positions
                .iter()
                .zip(noise.chunks(all.len().max(1)))
                .map(|(&j, noise)| (j, beats(&batch.row(j), &tokens[j], filters, noise)));
            Ok(answers.collect::<Vec<_>>())
        })
        .collect::<Result<Vec<_>, SamplingError>>()?
        .into_iter()
        .flatten()
        .collect();
    for (j, answer) in found {
        flags[j] = answer;
    }
    Ok(flags)
}

/// Whether an unseen token's noise is large enough. Where noise belongs to places, the row's places are its first.
fn beats(row: &Row<'_>, token: &TokenScore, filters: &Filters, noise: &[f64]) -> bool {
    let [best, cap] = token.rivals;
    let by_place = filters.rule == super::FilterRule::Sglang && filters.act();
    let needed = (best - cap) / filters.temperature;
    noise.iter().enumerate().any(|(id, &g)| {
        let shown = if by_place { id < row.token_ids.len() } else { row.token_ids.contains(&(id as u32)) };
        g > needed && !shown && (by_place || id != row.claimed as usize)
    })
}
