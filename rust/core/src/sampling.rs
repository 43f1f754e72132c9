//! Scores at temperature T > 0: the engine's noise is replayed for the candidates of a row.
//!
//! With `l` the logprobs of the candidates and g their noise, the engine takes the arg-max of `z = l + T g` over the
//! *support*: the tokens that survive top-k, top-p and min-p. A row shows only the top of the distribution, so each
//! candidate is *kept*, *dropped* or *open* (the row does not tell), and the unseen mass has bounds.
//!
//! The first status that applies:
//!
//! | status | when | exact match; margin; bound |
//! |---|---|---|
//! | unscored | empty row, or every value -inf | false; NaN; NaN |
//! | unreplayed | no stream | false; NaN; NaN |
//! | filtered | the claimed token is certainly dropped | false; +inf; max(best kept z - its z, least kept l - its l) |
//! | censored | it certainly lost: absent, its logprob unknown, and a kept z above all that it can have | false; +inf; the difference |
//! | | beaten by a kept candidate while some candidate, itself included, is open | false; the bound; best kept z - its z |
//! | undecided | it may have won, or lost, depending on what the row does not show | false; NaN; NaN |
//! | scored | all else | best kept z - its z, never below 0; the same |
//!
//! A decided mismatch is a mismatch of the answer that the whole distribution would give, whatever the row does not
//! show; a match is the right answer among the candidates.
//!
//! # The engines' filters
//!
//! | rule | order | ties at the cut |
//! |---|---|---|
//! | vLLM | min-p, top-k, top-p | top-k keeps them; top-p cuts anywhere among them |
//! | Hugging Face | top-k, top-p, min-p | the same |
//! | `SGLang` | one sort: mass before it above p, rank at least k, min-p; shares are of the whole vocabulary | cut anywhere |
//!
//! vLLM and Hugging Face drop a token where the mass before it reaches p of what the filters before have left. With a
//! filter on, `SGLang` keys its noise by the *place* in the descending sort: among equal values nothing tells which token has
//! which place, so that a claimed token that ties is undecided unless a token elsewhere beats every place it may have.

mod error;
mod grid;
mod judge;
mod likelihood;
mod noise;
mod position;
mod rivals;
mod shares;
mod support;
mod tail;

use rayon::prelude::*;

pub use error::SamplingError;

use crate::rng::{RowKey, Stream};
use crate::scores::Status;
use crate::topk::TopKBatch;
use judge::Contest;
use noise::Noise;
use position::{Position, Setting};

/// Positions that are scored as one task.
const POSITIONS: usize = 256;
/// A vocabulary of unknown size has at most so many ids.
const LARGEST_VOCABULARY: usize = 1 << 20;
/// What `SGLang`'s prime form adds to every probability before the logarithm.
const PRIME_FLOOR: f64 = 1e-9;

/// An engine's order of the filters and its rule for ties; see the module's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilterRule {
    /// vLLM, and this package's server.
    Vllm,
    /// Hugging Face `generate`, TGI.
    HuggingFace,
    /// `SGLang`.
    Sglang,
}

/// How the provider was told to sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Filters {
    temperature: f64,
    top_k: usize,
    top_p: f64,
    min_p: f64,
    rule: FilterRule,
}

impl Filters {
    /// `top_k` 0, `top_p` 1 and `min_p` 0 are off.
    ///
    /// # Errors
    /// `OutOfRange` for a temperature that is not positive and finite, a `top_p` outside (0, 1], or a `min_p` outside
    /// [0, 1].
    pub fn new(
        temperature: f64,
        top_k: usize,
        top_p: f64,
        min_p: f64,
        rule: FilterRule,
    ) -> Result<Self, SamplingError> {
        let wrong = |name, value, range| Err(SamplingError::OutOfRange { name, value, range });
        if !(temperature > 0.0 && temperature < f64::INFINITY) {
            return wrong("temperature", temperature, "it must be above 0 and finite");
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return wrong("top_p", top_p, "it must lie in (0, 1]");
        }
        if !(0.0..=1.0).contains(&min_p) {
            return wrong("min_p", min_p, "it must lie in [0, 1]");
        }
        Ok(Self { temperature, top_k, top_p, min_p, rule })
    }

    /// Whether any filter is on.
    fn act(&self) -> bool {
        self.top_k > 0 || self.top_p < 1.0 || self.min_p > 0.0
    }
}

/// The engine's noise.
#[derive(Debug, Clone, Copy)]
pub struct Replay<'a> {
    /// The rule that makes it.
    pub stream: Stream,
    /// Where each position stands in the stream.
    pub keys: &'a [RowKey],
    /// Draw the noise of all ids below it, the width of the model's logits, to see where an unseen token could have
    /// won; None = not at all.
    pub tail: Option<u32>,
}

/// One value a position in each column, as in [`crate::Scores`].
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct SampledScores {
    /// The claimed token is the best of the candidates.
    pub exact_match: Vec<bool>,
    /// Its probability under temperature and filters.
    pub prob: Vec<f32>,
    /// How far it was from being chosen, in nats of logprob (not divided by the temperature).
    pub margin: Vec<f32>,
    /// `margin`, or a lower bound of it.
    pub margin_bound: Vec<f32>,
    /// Number of candidates with a larger logprob.
    pub logit_rank: Vec<f32>,
    /// Number of kept candidates with a larger z.
    pub gumbel_rank: Vec<f32>,
    /// How unlikely it was, compared with what an honest sampler draws.
    pub surprise: Vec<f32>,
    /// A [`Status`] as its number.
    pub status: Vec<u8>,
    /// Whether an unseen token could have won; None where the tail was not replayed.
    pub rival_possible: Option<Vec<bool>>,
}

/// One position's values.
#[derive(Debug, Clone, Copy)]
struct TokenScore {
    status: Status,
    exact_match: bool,
    values: [f32; 6],
    /// Largest z of the candidates, and the greatest logprob of an unseen token that may be in the support.
    rivals: [f64; 2],
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
        floor: if stream == Some(Stream::SglangPrime) { PRIME_FLOOR } else { 0.0 },
        most_noise: stream.map_or(f64::INFINITY, |stream| stream.upper_bound()),
    };
    let noise = replay.map(|replay| Noise::new(batch, &setting, replay)).transpose()?;
    let tokens = score_tokens(batch, &setting, noise.as_ref())?;
    let mut scores = columns(&tokens);
    if let Some(replay) = replay.filter(|replay| replay.tail.is_some()) {
        scores.rival_possible = Some(rivals::possible(batch, filters, replay, &tokens)?);
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
                None => TokenScore::unreplayed(&position, setting),
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
        values: [f32::NAN; 6],
        rivals: [f64::INFINITY, f64::NEG_INFINITY],
    };

    fn unreplayed(position: &Position<'_>, setting: &Setting<'_>) -> Self {
        let [prob, rank, surprise] = likelihoods(position, setting);
        let values = [prob, f32::NAN, f32::NAN, rank, f32::NAN, surprise];
        Self { status: Status::Unreplayed, values, ..Self::UNSCORED }
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
        let [prob, rank, surprise] = likelihoods(position, setting);
        let [margin, bound, gumbel_rank] =
            [outcome.margin, outcome.margin_bound, outcome.gumbel_rank].map(|value| value as f32);
        let cap = if position.support.reaches { position.shown.tail.cap } else { f64::NEG_INFINITY };
        Self {
            status: outcome.status,
            exact_match: outcome.exact_match,
            values: [prob, margin, bound, rank, gumbel_rank, surprise],
            rivals: [outcome.best, cap],
        }
    }
}

/// prob, logit rank and surprise.
fn likelihoods(position: &Position<'_>, setting: &Setting<'_>) -> [f32; 3] {
    let prob = likelihood::probability(position) as f32;
    [prob, position.logit_rank(), likelihood::surprise(position, setting) as f32]
}

fn columns(tokens: &[TokenScore]) -> SampledScores {
    let value = |i: usize| tokens.par_iter().map(|token| token.values[i]).collect();
    SampledScores {
        exact_match: tokens.iter().map(|token| token.exact_match).collect(),
        prob: value(0),
        margin: value(1),
        margin_bound: value(2),
        logit_rank: value(3),
        gumbel_rank: value(4),
        surprise: value(5),
        status: tokens.iter().map(|token| token.status as u8).collect(),
        rival_possible: None,
    }
}
