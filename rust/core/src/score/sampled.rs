//! Scores at a temperature above 0: every position by its support, its noise and its contest.

use rayon::prelude::*;

use super::columns::SampledScores;
use super::error::SamplingError;
use super::filters::Filters;
use super::judge::Contest;
use super::likelihood;
use super::noise::Noise;
use super::percentile::{percentile, uniform};
use super::position::{Position, Setting};
use super::replay::Replay;
use super::rivals::{self, Rivalry};
use super::status::Status;
use crate::topk::TopKBatch;

/// Positions that are scored as one task.
const POSITIONS: usize = 256;
/// A vocabulary of unknown size has at most so many ids.
const LARGEST_VOCABULARY: usize = 1 << 20;

/// One position's values.
#[derive(Debug, Clone, Copy)]
struct TokenScore {
    status: Status,
    exact_match: bool,
    prob: f32,
    margin: f32,
    margin_bound: f32,
    logit_rank: f32,
    gumbel_rank: f32,
    surprise: f32,
    percentile: f32,
    rivalry: Rivalry,
}

/// Scores every position of the batch as sampled at a temperature above 0; without `replay` by likelihood alone.
///
/// # Errors
/// `Keys` unless there is one key a position; `Stream` where the stream cannot give the noise: among others an id at or
/// above the width of its logits.
pub fn score_sampled(
    batch: &TopKBatch<'_>,
    filters: &Filters,
    replay: Option<&Replay<'_>>,
) -> Result<SampledScores, SamplingError> {
    let stream = replay.map(|replay| replay.stream);
    let width = stream.and_then(|stream| stream.vocab_size()).or(replay.and_then(|replay| replay.tail));
    let setting = Setting {
        filters,
        ids: width.map_or(LARGEST_VOCABULARY, |width| width as usize),
        contiguous: batch.contiguous(),
        floor: stream.map_or(0.0, |stream| stream.facts().probability_floor),
        most_noise: stream.map_or(f64::INFINITY, |stream| stream.upper_bound()),
    };
    let noise = replay.map(|replay| Noise::new(batch, &setting, replay)).transpose()?;
    let tokens = score_tokens(batch, &setting, noise.as_ref())?;
    let mut scores = SampledScores::of(&tokens);
    scores.percentile = replay.is_none().then(|| tokens.iter().map(|token| token.percentile).collect());
    if let Some(replay) = replay.filter(|replay| replay.tail.is_some()) {
        let rivalries: Vec<_> = tokens.iter().map(|token| token.rivalry).collect();
        scores.rival_possible = Some(rivals::possible(batch, filters, replay, &rivalries)?);
    }
    Ok(scores)
}

fn score_tokens(
    batch: &TopKBatch<'_>,
    setting: &Setting<'_>,
    noise: Option<&Noise<'_>>,
) -> Result<Vec<TokenScore>, SamplingError> {
    let mut tokens = vec![TokenScore::UNSCORED; batch.len()];
    tokens.par_chunks_mut(POSITIONS).enumerate().try_for_each(|(task, slots)| {
        let (mut weights, mut ids, mut drawn) = (Vec::new(), Vec::new(), Vec::new());
        for (j, slot) in (task * POSITIONS..).zip(slots) {
            let Some(position) = Position::new(batch.row(j), setting, &mut weights) else { continue };
            *slot = match noise {
                None => {
                    let (sequence, token) = batch.place(j);
                    let percentile = percentile(&position, setting, uniform(sequence, token)) as f32;
                    TokenScore { percentile, ..TokenScore::unreplayed(&position, setting) }
                }
                Some(noise) => {
                    let drawn = noise.of(j, &position, &mut ids, &mut drawn)?;
                    TokenScore::replayed(&position, setting, drawn)
                }
            };
        }
        Ok::<(), SamplingError>(())
    })?;
    Ok(tokens)
}

impl TokenScore {
    const UNSCORED: Self = Self {
        status: Status::Unscored,
        exact_match: false,
        prob: f32::NAN,
        margin: f32::NAN,
        margin_bound: f32::NAN,
        logit_rank: f32::NAN,
        gumbel_rank: f32::NAN,
        surprise: f32::NAN,
        percentile: f32::NAN,
        rivalry: Rivalry { best: f64::INFINITY, cap: f64::NEG_INFINITY },
    };

    /// What is known without noise.
    fn unreplayed(position: &Position<'_>, setting: &Setting<'_>) -> Self {
        Self {
            status: Status::Unreplayed,
            prob: likelihood::probability(position) as f32,
            logit_rank: position.logit_rank(),
            surprise: likelihood::surprise(position, setting) as f32,
            ..Self::UNSCORED
        }
    }

    fn replayed(position: &Position<'_>, setting: &Setting<'_>, noise: &[f64]) -> Self {
        let contest = Contest {
            token_ids: position.row.token_ids,
            logprobs: position.row.logprobs,
            noise,
            support: &position.support,
            scorer: position.scorer(),
            by_place: position.by_place,
        };
        let outcome = contest.judge(&position.claimed(noise));
        let cap = if position.support.reaches { position.candidates.tail.cap } else { f64::NEG_INFINITY };
        Self {
            status: outcome.status,
            exact_match: outcome.exact_match,
            margin: outcome.margin as f32,
            margin_bound: outcome.margin_bound as f32,
            gumbel_rank: outcome.gumbel_rank as f32,
            rivalry: Rivalry { best: outcome.best, cap },
            ..Self::unreplayed(position, setting)
        }
    }
}

impl SampledScores {
    /// The columns of many positions.
    fn of(tokens: &[TokenScore]) -> Self {
        fn column<T: Send>(tokens: &[TokenScore], value: fn(&TokenScore) -> T) -> Vec<T> {
            tokens.par_iter().map(value).collect()
        }
        Self {
            exact_match: column(tokens, |token| token.exact_match),
            prob: column(tokens, |token| token.prob),
            margin: column(tokens, |token| token.margin),
            margin_bound: column(tokens, |token| token.margin_bound),
            logit_rank: column(tokens, |token| token.logit_rank),
            gumbel_rank: column(tokens, |token| token.gumbel_rank),
            surprise: column(tokens, |token| token.surprise),
            status: column(tokens, |token| token.status as u8),
            percentile: None,
            rival_possible: None,
        }
    }
}
