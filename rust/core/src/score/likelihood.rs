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
//! *Entropy.* With shares `p = w / Z` it is `-sum of p ln p = -sum of (w/Z)(ln w - ln Z)`, and as the shares add up to 1
//! that is the line above. It is what an honest sampler's `-ln p` is on average: the chance p of drawing a token is also
//! the weight of that token's `-ln p` in the average. So the mean of the surprise is 0 for an honest sampler, whether the
//! distribution is sharp or flat, and above 0 for tokens from elsewhere.
//!
//! *The lump.* To count all tokens outside the row as one outcome changes nothing of this, as long as the claimed token is
//! then charged for the lump and not for itself: outcomes that are merged have the sum of their chances. So a claimed
//! token that the row lacks counts as part of the lump, known or not. The lump's weight is the tail's upper bound: at
//! T = 1 the unseen mass to 2e-5, elsewhere more than it is, so that the mean is only near 0. The lump has the weight of
//! the unresolved entries too. Where top-k lies inside the row there is no lump, and a token outside it that may tie with
//! the k-th value is charged as that one.
//!
//! *prob* is about the token itself, so that a joined token has its own weight there. Its Z counts everything that may be in
//! the support, the tail at its upper bound: what is uncertain makes prob smaller, never larger, as long as the token is
//! kept. (Unseen tokens that would have to tie with the last one of top-k are left out of Z, see `lump`.)

use super::candidates::Candidates;
use super::position::{Position, Setting, tail_of};
use super::support::{Standing, Support};
use super::survivors::survivors;
use super::weights::sum;
use crate::topk::UNRESOLVED;

/// No token is more surprising, in nats: `exp(-30)` is 1e-13, and a single token must not outweigh all others in a mean.
const LARGEST: f64 = 30.0;

/// Probability of the claimed token under temperature and filters.
pub(super) fn probability(position: &Position<'_>) -> f64 {
    let (support, candidates) = (&position.support, &position.candidates);
    let joined = candidates.joined.filter(|_| support.joined > Standing::Dropped).map_or(0.0, |joined| joined.weight);
    let claimed = match position.place {
        Some(place) if place < support.open => candidates.weights[place],
        Some(_) => 0.0,
        None => joined,
    };
    (claimed / (sum(&candidates.weights[..support.open]) + joined + lump(support))).min(1.0)
}

/// Surprise of the claimed token, in nats.
pub(super) fn surprise(position: &Position<'_>, setting: &Setting<'_>) -> f64 {
    let (support, weights) = (row_support(position, setting), position.candidates.weights);
    let (mut total, mut of_logarithms, mut outside) = (lump(&support), 0.0, lump(&support));
    for ((&weight, &logprob), &id) in
        weights.iter().zip(position.row.logprobs).zip(position.row.token_ids).take(support.open)
    {
        total += weight;
        if id == UNRESOLVED {
            outside += weight;
        } else if weight > 0.0 {
            // ln w is the exponent itself: exact where w underflows.
            of_logarithms += weight * position.candidates.scale.exponent(f64::from(logprob));
        }
    }
    if outside > 0.0 {
        of_logarithms += outside * outside.ln();
    }
    let entropy = total.ln() - of_logarithms / total;
    let named = position.place.filter(|&place| position.row.token_ids[place] != UNRESOLVED);
    let charge = match named {
        Some(place) if place < support.open => {
            total.ln() - position.candidates.scale.exponent(f64::from(position.row.logprobs[place]))
        }
        None if outside > 0.0 => total.ln() - outside.ln(),
        None if support.reaches => total.ln() - position.candidates.scale.exponent(support.tail.cap),
        _ => LARGEST,
    };
    (charge.min(LARGEST) - entropy).min(LARGEST)
}

/// Weight of what the support has beyond the row. Tokens that would have to tie with the last one that top-k keeps are
/// possible, but seldom there: they are not counted.
fn lump(support: &Support) -> f64 {
    if support.reaches && !support.tail.tied { support.tail.high } else { 0.0 }
}

/// The support as the row alone tells it: the joined token is back in the tail, so that its being known changes nothing.
pub(super) fn row_support(position: &Position<'_>, setting: &Setting<'_>) -> Support {
    let candidates = &position.candidates;
    if candidates.joined.is_none() {
        return position.support;
    }
    let tail = tail_of(&position.row, candidates.weights, None, setting, candidates.scale);
    survivors(&Candidates { joined: None, tail, ..*candidates }, setting.filters)
}
