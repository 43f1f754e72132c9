//! Scores at temperature 0, where the reference token is the arg-max.
//!
//! The tables are those of `token_difr.scores.scoring`. A claimed token that is no candidate has lost for certain, if
//! nothing that it can be lies above the row's first entry: neither an unseen token (at most the cap of [`Unseen`]) nor an
//! unresolved entry of the row, one of which it may be. In a contiguous row neither lies above the first entry, so that
//! every such token has lost, by at least the difference.

use rayon::prelude::*;

use super::columns::Scores;
use super::status::Status;
use super::unseen::Unseen;
use crate::exp::exp;
use crate::topk::{Row, TopKBatch, UNRESOLVED};

/// Positions that are scored as one task.
const POSITIONS: usize = 1024;

/// Scores every position of the batch as sampled at temperature 0.
#[must_use]
pub fn score_greedy(batch: &TopKBatch<'_>) -> Scores {
    let mut scores = Scores::zeros(batch.len());
    let columns = (
        scores.exact_match.par_chunks_mut(POSITIONS),
        scores.prob.par_chunks_mut(POSITIONS),
        scores.margin.par_chunks_mut(POSITIONS),
        scores.margin_bound.par_chunks_mut(POSITIONS),
        scores.logit_rank.par_chunks_mut(POSITIONS),
        scores.status.par_chunks_mut(POSITIONS),
    );
    columns.into_par_iter().enumerate().for_each(|(task, (exact_match, prob, margin, margin_bound, rank, status))| {
        for j in 0..status.len() {
            let row = batch.row(task * POSITIONS + j);
            // Most tokens are the reference token, and the columns of zeros say the rest of that already.
            if let Some(logprob) = row.claimed_top() {
                (exact_match[j], prob[j]) = (true, logprob);
                continue;
            }
            let token = score_row(&row, batch.contiguous());
            exact_match[j] = token.exact_match;
            prob[j] = token.logprob;
            margin[j] = token.margin;
            margin_bound[j] = token.margin_bound;
            rank[j] = token.rank;
            status[j] = token.status as u8;
        }
        // All exponentials of a task together: the compiler can vectorize them.
        for value in prob {
            *value = probability(*value);
        }
    });
    scores
}

/// Scores of one token.
struct TokenScore {
    status: Status,
    exact_match: bool,
    /// Of the claimed token; -inf where absent.
    logprob: f32,
    margin: f32,
    margin_bound: f32,
    rank: f32,
}

impl TokenScore {
    /// Nothing is known of the token.
    const fn unknown(status: Status) -> Self {
        let nan = f32::NAN;
        Self { status, exact_match: false, logprob: nan, margin: nan, margin_bound: nan, rank: nan }
    }
}

/// Any row whose first entry is not the claimed token.
fn score_row(row: &Row<'_>, contiguous: bool) -> TokenScore {
    let top = row.logprobs.first().copied().unwrap_or(f32::NEG_INFINITY);
    if top == f32::NEG_INFINITY {
        return TokenScore::unknown(Status::Unscored);
    }
    if let Some(k) = row.find_claimed() {
        let logprob = row.logprobs[k];
        return scored(top, logprob, false, larger(&row.logprobs[..k], logprob));
    }
    if row.claimed_logprob().is_nan() { score_absent(row, top, contiguous) } else { score_joined(row, top) }
}

fn scored(top: f32, logprob: f32, exact_match: bool, rank: f32) -> TokenScore {
    let margin = (top - logprob).max(0.0);
    TokenScore { status: Status::Scored, exact_match, logprob, margin, margin_bound: margin, rank }
}

/// The row lacks the claimed token, but its logprob is known: it competes with the row.
fn score_joined(row: &Row<'_>, top: f32) -> TokenScore {
    let logprob = row.claimed_logprob();
    let exact_match = logprob > top || (logprob == top && row.claimed < row.token_ids[0]);
    let rank = if row.claimed_rank() >= 0 { row.claimed_rank() as f32 } else { larger(row.logprobs, logprob) };
    scored(top.max(logprob), logprob, exact_match, rank)
}

/// The claimed token is no candidate: it lost, unless it is an unresolved or a lost entry.
fn score_absent(row: &Row<'_>, top: f32, contiguous: bool) -> TokenScore {
    let unresolved = row.token_ids.iter().position(|&id| id == UNRESOLVED).map(|k| row.logprobs[k]);
    if unresolved == Some(top) {
        return TokenScore::unknown(Status::Unscored);
    }
    let lowest = if contiguous { row.logprobs.last().copied() } else { None };
    // In a row with gaps an unseen token may lie anywhere, up to the whole unseen mass.
    let cap = Unseen::new(row.mass(), lowest).cap.max(unresolved.map_or(f64::NEG_INFINITY, f64::from));
    if cap > f64::from(top) {
        return TokenScore::unknown(Status::Undecided);
    }
    TokenScore {
        status: Status::Censored,
        exact_match: false,
        logprob: f32::NEG_INFINITY,
        margin: f32::INFINITY,
        margin_bound: (f64::from(top) - cap) as f32,
        rank: larger(row.logprobs, f32::NEG_INFINITY),
    }
}

/// Number of values above `logprob`, in descending `logprobs`.
fn larger(logprobs: &[f32], logprob: f32) -> f32 {
    logprobs.partition_point(|&l| l > logprob) as f32
}

/// `exp`, never above 1; NaN for NaN, which `f64::min` would lose.
fn probability(logprob: f32) -> f32 {
    let prob = exp(f64::from(logprob)) as f32;
    if prob > 1.0 { 1.0 } else { prob }
}
