//! What is known of a token without its noise: its probability, and how surprising it is.
//!
//! With the support's weights w, the tail as one lump at its upper bound and Z their sum:
//!
//! ```text
//! prob = w_claimed / Z                                    0 where the token is dropped, or absent and unknown
//! entropy = ln Z - (sum of w ln w) / Z
//! surprise = min(30, charge - entropy)
//! charge = ln Z - ln w_claimed;   outside the row ln Z - ln w_lump;   dropped 30;   never above 30
//! ```
//!
//! A claimed token that the row lacks counts as part of the lump, known or not, so that an honest sampler's mean
//! surprise is 0 whatever the API tells. The lump has the weight of the unresolved entries too. Where top-k lies inside
//! the row there is no lump, and a token outside it that may tie with the k-th value is charged as that one.

use super::Filters;
use super::position::{Position, Setting, tail_of};
use super::shares::sum;
use super::support::{Shown, Standing, Support};
use crate::topk::UNRESOLVED;

/// No token is more surprising, in nats.
const LARGEST: f64 = 30.0;

/// Probability of the claimed token under temperature and filters.
pub(super) fn probability(position: &Position<'_>) -> f64 {
    let (support, shown) = (&position.support, &position.shown);
    let joined = shown.joined.filter(|_| support.joined > Standing::Dropped).map_or(0.0, |joined| joined.weight);
    let claimed = match position.place {
        Some(place) if place < support.open => shown.weights[place],
        Some(_) => 0.0,
        None => joined,
    };
    (claimed / (sum(&shown.weights[..support.open]) + joined + lump(support))).min(1.0)
}

/// Surprise of the claimed token, in nats.
pub(super) fn surprise(position: &Position<'_>, setting: &Setting<'_>) -> f64 {
    let (support, weights) = (row_support(position, setting.filters, setting), position.shown.weights);
    let (mut total, mut of_logarithms, mut outside) = (lump(&support), 0.0, lump(&support));
    for ((&weight, &logprob), &id) in
        weights.iter().zip(position.row.logprobs).zip(position.row.token_ids).take(support.open)
    {
        total += weight;
        if id == UNRESOLVED {
            outside += weight;
        } else if weight > 0.0 {
            of_logarithms += weight * position.shown.scale.exponent(f64::from(logprob));
        }
    }
    if outside > 0.0 {
        of_logarithms += outside * outside.ln();
    }
    let entropy = total.ln() - of_logarithms / total;
    let named = position.place.filter(|&place| position.row.token_ids[place] != UNRESOLVED);
    let charge = match named {
        Some(place) if place < support.open => {
            total.ln() - position.shown.scale.exponent(f64::from(position.row.logprobs[place]))
        }
        None if outside > 0.0 => total.ln() - outside.ln(),
        None if support.reaches => total.ln() - position.shown.scale.exponent(support.tail.cap),
        _ => LARGEST,
    };
    (charge.min(LARGEST) - entropy).min(LARGEST)
}

/// Weight of what the support has beyond the row. Tokens that would have to tie with the last one that top-k keeps are
/// possible, but seldom there: they are not counted.
fn lump(support: &Support) -> f64 {
    if support.reaches && !support.tail.tied { support.tail.high } else { 0.0 }
}

/// The support as the row alone tells it.
fn row_support(position: &Position<'_>, filters: &Filters, setting: &Setting<'_>) -> Support {
    if position.shown.joined.is_none() {
        return position.support;
    }
    let tail = tail_of(&position.row, position.shown.weights, None, setting, position.shown.scale);
    Support::new(&Shown { joined: None, tail, ..position.shown }, filters)
}
