//! Top-p: the share of the mass that stands before a candidate, at both ends of what the row does not tell.
//!
//! Top-p keeps a token if the tokens before it in the descending sort have less than p of the mass of all that earlier
//! filters left. With B the weight before the token and A that of the token itself and all after it, the share is
//!
//! ```text
//! s = B / (B + A)
//! ```
//!
//! which grows with B and falls with A. (And to move a weight x from A to B, or to add x to B alone, raises it:
//! `(B + x) / (B + A + x) >= B / (B + A)`.) Entries that an earlier filter left open, the joined token and the unseen ones
//! are there or not, before the token or after it. So:
//!
//! * s is *at most* its value with everything before the token that may be there, and after it only what certainly is:
//!   a token whose greatest share is below p is **kept**;
//! * s is *at least* its value with only what certainly stands before it, and everything after it that may be there: a
//!   token whose least share is above p is **dropped**;
//! * the others are **open**.
//!
//! As logprobs are rounded, a share is known to within [`SLACK`], and both comparisons keep that distance from p. The first
//! token of the sort has nothing before it and always stays.

use super::candidates::Candidates;
use super::support::{Standing, Support};
use super::tail::Tail;
use super::weights::sum;

/// Shares of mass are known to within it: see the rounding of [`unseen`](super::unseen).
const SLACK: f64 = 1e-5;

/// Sums of weights that the shares of top-p are made of.
pub(super) struct Masses {
    /// Of the entries that are certainly left.
    certain: f64,
    /// Of those that may be left.
    possible: f64,
    /// Of the joined token, at least and at most.
    joined: [f64; 2],
    tail: Tail,
}

impl Masses {
    pub(super) fn new(support: &Support, candidates: &Candidates<'_>) -> Self {
        let weight = candidates.joined.map_or(0.0, |joined| joined.weight);
        let joined = match support.joined {
            Standing::Kept => [weight, weight],
            Standing::Open => [0.0, weight],
            Standing::Dropped => [0.0, 0.0],
        };
        let certain = sum(&candidates.weights[..support.kept]);
        let possible = certain + sum(&candidates.weights[support.kept..support.open]);
        Self { certain, possible, joined, tail: support.tail }
    }

    /// The certain and the possible prefix. With `any_order`, equal values stand in an unknown order.
    pub(super) fn prefixes(
        &self,
        support: &Support,
        candidates: &Candidates<'_>,
        top_p: f64,
        any_order: bool,
    ) -> (usize, usize) {
        if candidates.joined.is_none() && support.kept == support.open && self.tail.cap < candidates.lowest() {
            let logprobs = &candidates.logprobs[..support.open];
            return self.plain_prefixes(logprobs, candidates.weights, top_p, any_order);
        }
        let (mut before, mut before_certain) = (0.0, 0.0);
        let (mut kept, mut start) = (0, 0);
        while start < support.open {
            let end = if any_order { group_end(candidates.logprobs, start).min(support.open) } else { start + 1 };
            let own = candidates.weights[start];
            let mass = own * (end - start) as f64;
            let logprob = f64::from(candidates.logprobs[start]);
            let group = Group { logprob, before, before_certain, own, mass, certain: start < support.kept };
            match self.judge(&group, candidates, top_p, any_order) {
                Standing::Dropped => return (kept, start),
                // Kept entries are counted only while they are a prefix: an open one before them ends it.
                Standing::Kept if kept == start => kept = end,
                _ => {}
            }
            before += mass;
            before_certain += if group.certain { mass } else { 0.0 };
            start = end;
        }
        (kept, start)
    }

    /// The same where all entries are certain and everything else comes after them, in one pass: what stands before an
    /// entry is then known, and only the whole is not. It lies between `certain + tail.low` and `certain + tail.high`.
    fn plain_prefixes(&self, logprobs: &[f32], weights: &[f64], top_p: f64, any_order: bool) -> (usize, usize) {
        let keep_below = (top_p - SLACK) * (self.certain + self.tail.low);
        let drop_above = (top_p + SLACK) * (self.certain + self.tail.high);
        let (mut before, mut kept, mut open) = (0.0, 0, 0);
        for &weight in &weights[..logprobs.len()] {
            kept += usize::from(before < keep_below || open == 0);
            if before > drop_above && open > 0 {
                break;
            }
            open += 1;
            before += weight;
        }
        if any_order {
            // Equal values stand or fall together: kept if the last of them is, dropped if the first is.
            let tied = |i: usize| i > 0 && i < logprobs.len() && logprobs[i] == logprobs[i - 1];
            while tied(kept) {
                kept -= 1;
            }
            while tied(open) {
                open += 1;
            }
        }
        (kept, open)
    }

    /// The standing of each token of a group.
    fn judge(&self, group: &Group, candidates: &Candidates<'_>, top_p: f64, any_order: bool) -> Standing {
        // The joined token's weight, at least and at most, on the side of the group where it stands. Beside it, where it ties
        // and the order is unknown, it may be on either.
        let [mut above, mut beside, mut below] = [[0.0; 2]; 3];
        if let Some(joined) = candidates.joined {
            let side = if joined.logprob > group.logprob {
                &mut above
            } else if joined.logprob == group.logprob && any_order {
                &mut beside
            } else {
                &mut below
            };
            *side = self.joined;
        }
        // Unseen tokens may stand before the group where they may be as likely, and then not after it.
        let ahead = if any_order { self.tail.weight_from(group.logprob, candidates.scale) } else { 0.0 };
        let tail_after = if ahead > 0.0 { 0.0 } else { self.tail.low };
        // The last of the group has all the others of it ahead.
        let most_before = group.before + (group.mass - group.own) + above[1] + beside[1] + ahead;
        if most_before <= 0.0 {
            return Standing::Kept;
        }
        let after_certain = self.certain - group.before_certain - if group.certain { group.mass } else { 0.0 };
        let total = most_before + group.own + after_certain.max(0.0) + below[0] + tail_after;
        if most_before < (top_p - SLACK) * total {
            return Standing::Kept;
        }
        // The first of the group has none of it ahead, and everything else that may be there behind it.
        let least_before = group.before_certain + above[0];
        let after = (self.possible - group.before).max(group.mass) + beside[1] + below[1] + self.tail.high;
        if least_before > (top_p + SLACK) * (least_before + after) { Standing::Dropped } else { Standing::Open }
    }

    /// The joined token, before which stand all larger candidates, those that tie with it perhaps, and between none and all
    /// of the tail. Kept where there is none.
    pub(super) fn joined(&self, candidates: &Candidates<'_>, top_p: f64) -> Standing {
        let Some(joined) = candidates.joined else { return Standing::Kept };
        let first = |count: usize| sum(&candidates.weights[..count.min(candidates.weights.len())]);
        let ahead = self.tail.weight_from(joined.logprob, candidates.scale);
        let most_before = first(candidates.count_from(joined.logprob)).min(self.possible) + ahead;
        let after = (self.certain - most_before + ahead).max(0.0) + if ahead > 0.0 { 0.0 } else { self.tail.low };
        let kept = most_before < (top_p - SLACK) * (most_before + joined.weight + after) || most_before <= 0.0;
        let least_before = first(candidates.count_above(joined.logprob)).min(self.certain);
        let rest = (self.possible - least_before).max(0.0) + joined.weight + self.tail.high;
        Standing::of(kept, least_before > (top_p + SLACK) * (least_before + rest))
    }

    /// Whether what certainly stands before every unseen token (all that is kept, `kept` entries of the row, and lies above
    /// the cap) has more than `top_p` of the greatest mass that there can be.
    pub(super) fn tail_is_dropped(&self, candidates: &Candidates<'_>, top_p: f64, kept: usize) -> bool {
        let cap = self.tail.cap;
        let joined = if candidates.joined_above(cap) { self.joined[0] } else { 0.0 };
        let before = sum(&candidates.weights[..candidates.count_above(cap).min(kept)]) + joined;
        // The rest: entries that are not before it, what else the joined token may weigh, and the tail itself.
        let rest = (self.possible - before + joined).max(0.0) + self.joined[1] - joined + self.tail.high;
        before > (top_p + SLACK) * (before + rest)
    }
}

/// Equal values, and what stands before them.
struct Group {
    logprob: f64,
    /// Weight of the larger entries of the row that may be left.
    before: f64,
    /// Of those that certainly are.
    before_certain: f64,
    /// Weight of one of them.
    own: f64,
    /// Weight of all of them.
    mass: f64,
    /// Whether earlier filters certainly leave them.
    certain: bool,
}

fn group_end(logprobs: &[f32], start: usize) -> usize {
    start + logprobs[start..].iter().take_while(|l| **l == logprobs[start]).count()
}
