//! Where a token lies in the distribution that it is said to come from: the randomized percentile.
//!
//! With the outcomes of a position in descending order of probability, `F` the sum of the probabilities before the claimed
//! one, `p` its own and `v` uniform on [0, 1]:
//!
//! ```text
//! u = F + v p                                             1 where the filters certainly exclude the token
//! ```
//!
//! *Uniform.* The outcomes cut [0, 1] into pieces, each as long as the outcome is probable. An honest sampler lands in each
//! piece as often as it is long, and v spreads it evenly over the piece: so u is uniform on [0, 1], whatever the
//! distribution. Sharpened sampling puts u near 0 too often, flattened or foreign sampling near 1. *Why at random:*
//! without v, u has one value a piece. Where the first token has probability 0.9 it would be that token's piece, 90 % of
//! the time the same number; its distribution would depend on the prompt, and nothing could be compared with it.
//!
//! *Outcomes.* They are the row's entries that have an id, in its order, and last of all "another token" as one outcome: the
//! unseen lump, with what the row's unresolved entries weigh, as for the surprise (see [`likelihood`](super::likelihood)).
//! A token outside the row, its logprob known or not, is spread over that piece.
//!
//! *What the row does not tell.* Not all weights are known: the lump's has bounds that lie apart at temperatures other than
//! 1, a filter may cut inside the lump, and some entries are open. So u is taken among the outcomes that are *certain*: the
//! entries that are kept for certain and, if nothing is open and its weight is known to within [`TOLERANCE`], the lump. An
//! honest sampler's tokens, given that they are among these, have these probabilities in proportion. And which outcomes are
//! certain follows from the row alone, so that to leave the others out (NaN) favors none. u is thus uniform for an honest
//! sampler at every temperature and under every filter; how often tokens fall outside is what the surprise tells.
//!
//! # Random stream
//!
//! v is a function of the sequence's number in the batch and of the token's number in its sequence:
//!
//! ```text
//! w = philox4x32-10(counter = (sequence mod 2^32, sequence / 2^32, token mod 2^32, token / 2^32), key = "perc" "enti")
//! v = (w[0] + 1/2) / 2^32
//! ```
//!
//! So it is the same every time, on any number of threads, and for the two runs of a pair: where both claim the same token
//! at the same place, u is the same. The stream is pinned by a test and may only change with a new major version.

use super::likelihood::row_support;
use super::position::{Position, Setting};
use super::support::Support;
use crate::rng::philox::philox;
use crate::topk::UNRESOLVED;

/// The lump is an outcome where its weight is known to within this share of the whole. A cut of [0, 1] that is misplaced
/// by so much shifts the share of u in any interval by no more; to see it would take some 1e8 tokens.
const TOLERANCE: f64 = 1e-4;

/// Spells the name of the stream.
const KEY: [u32; 2] = [u32::from_be_bytes(*b"perc"), u32::from_be_bytes(*b"enti")];

/// The stream's uniform for token `token` of sequence `sequence`, inside (0, 1).
pub(super) fn uniform(sequence: usize, token: usize) -> f64 {
    let [sequence, token] = [sequence as u64, token as u64];
    let [word, ..] = philox([sequence as u32, (sequence >> 32) as u32, token as u32, (token >> 32) as u32], KEY);
    (f64::from(word) + 0.5) / 2.0_f64.powi(32)
}

/// The percentile of the claimed token, given the stream's `uniform`; NaN where it cannot be said.
pub(super) fn percentile(position: &Position<'_>, setting: &Setting<'_>, uniform: f64) -> f64 {
    let support = row_support(position, setting);
    let (ids, weights) = (position.row.token_ids, position.candidates.weights);
    let [kept, open] = certain_ends(position, &support);
    let claimed = position.place.filter(|&place| ids[place] != UNRESOLVED);
    let possible = match claimed {
        Some(place) => place < open,
        None => support.reaches || ids[..open].contains(&UNRESOLVED),
    };
    if !possible {
        return 1.0;
    }
    let (mut before, mut shown, mut unresolved) = (0.0, 0.0, 0.0);
    for (place, (&weight, &id)) in weights.iter().zip(ids).enumerate().take(kept) {
        if id == UNRESOLVED {
            unresolved += weight;
        } else {
            shown += weight;
            before += if claimed.is_some_and(|claimed| place < claimed) { weight } else { 0.0 };
        }
    }
    let another = certain_lump(&support, setting, shown + unresolved).filter(|_| kept == open);
    let another = another.map(|lump| lump + unresolved);
    let (start, length) = match (claimed, another) {
        (Some(place), _) if place < kept => (before, weights[place]),
        (None, Some(another)) => (shown, another),
        _ => return f64::NAN,
    };
    ((start + uniform * length) / (shown + another.unwrap_or(0.0))).min(1.0)
}

/// How many entries are certainly kept, and how many may be; both at an edge between different values where engines cut by
/// place, for then nothing tells which of the tied tokens has which place.
fn certain_ends(position: &Position<'_>, support: &Support) -> [usize; 2] {
    let logprobs = position.row.logprobs;
    let (mut kept, mut open) = (support.kept, support.open);
    if !position.by_place {
        return [kept, open];
    }
    let edge = |place: usize| logprobs.get(place.wrapping_sub(1)).copied();
    let tied_below = |place: usize, value: f32| {
        let next = logprobs.get(place);
        next.map_or(support.tail.count_from(f64::from(value)) > 0.0, |&next| next == value)
    };
    if let Some(value) = edge(kept).filter(|&value| tied_below(kept, value)) {
        kept = logprobs.partition_point(|&l| l > value);
    }
    if let Some(value) = edge(open).filter(|&value| tied_below(open, value)) {
        open = logprobs.partition_point(|&l| l >= value);
    }
    [kept, open]
}

/// Weight of the unseen tokens beside the row's `shown`; None where it is not known well enough.
fn certain_lump(support: &Support, setting: &Setting<'_>, shown: f64) -> Option<f64> {
    let high = if support.reaches { support.tail.high } else { 0.0 };
    // A filter that does not drop all of the lump may drop most of it.
    let low = if setting.filters.act() { 0.0 } else { support.tail.low };
    (high - low <= TOLERANCE * (shown + high)).then_some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_pinned() {
        let drawn = [(0, 0), (0, 1), (1, 0), (7, 300)].map(|(sequence, token)| uniform(sequence, token));
        // The words of a Philox written in Python.
        let words = [731_344_534.0, 904_198_590.0, 2_307_541_023.0, 2_864_388_616.0];
        assert_eq!(drawn, words.map(|word| (word + 0.5) / 4_294_967_296.0));
    }
}
