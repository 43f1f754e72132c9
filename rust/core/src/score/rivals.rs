//! `tail = "replay"`: could a token that the row does not show have won?
//!
//! The winner among the candidates has the score `best`. An unseen token has at most the logprob `cap`, so that its score is
//! at most `cap + T g`, with noise g that depends on its id alone and can be drawn. It could have won only if
//! `g > (best - cap) / T`, and only where the support may reach beyond the row. No such id: the winner stands.

use rayon::prelude::*;

use super::error::SamplingError;
use super::filters::Filters;
use super::replay::Replay;
use crate::rng::Access;
use crate::topk::{Row, TopKBatch};

/// Rows of a sequential stream that are held at once.
const ROWS: usize = 32;

/// What an unseen token has to beat at a position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rivalry {
    /// Largest z of the candidates.
    pub(super) best: f64,
    /// The greatest logprob of an unseen token that may be in the support; -inf = there is none.
    pub(super) cap: f64,
}

/// One flag a position, for one rivalry a position.
pub(super) fn possible(
    batch: &TopKBatch<'_>,
    filters: &Filters,
    replay: &Replay<'_>,
    rivalries: &[Rivalry],
) -> Result<Vec<bool>, SamplingError> {
    let all: Vec<u32> = (0..replay.tail.unwrap_or_default()).collect();
    let mut flags = vec![false; batch.len()];
    let asked: Vec<usize> = (0..batch.len()).filter(|&j| rivalries[j].cap > f64::NEG_INFINITY).collect();
    let rows = if replay.stream.facts().access == Access::Sequential { ROWS } else { 1 };
    let found: Vec<(usize, bool)> = asked
        .par_chunks(rows)
        .map(|positions| {
            let keys: Vec<_> = positions.iter().map(|&j| replay.keys[j]).collect();
            let noise = replay.stream.gumbel_grid(&keys, &all)?;
            let answers = positions
                .iter()
                .zip(noise.chunks(all.len().max(1)))
                .map(|(&j, noise)| (j, beats(&batch.row(j), rivalries[j], filters, noise)));
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
fn beats(row: &Row<'_>, rivalry: Rivalry, filters: &Filters, noise: &[f64]) -> bool {
    let by_place = filters.draws_by_place();
    let needed = (rivalry.best - rivalry.cap) / filters.temperature;
    noise.iter().enumerate().any(|(id, &g)| {
        let shown = if by_place { id < row.token_ids.len() } else { row.token_ids.contains(&(id as u32)) };
        g > needed && !shown && (by_place || id != row.claimed as usize)
    })
}
