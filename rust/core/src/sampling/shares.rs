//! Top-p: the share of the mass that stands before a candidate, at both ends of what the row does not tell.

use super::support::{Shown, Standing, Support};
use super::tail::Tail;

/// Shares of mass are known to within it: printed logprobs are rounded.
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
    pub(super) fn new(support: &Support, shown: &Shown<'_>) -> Self {
        let weight = shown.joined.map_or(0.0, |joined| joined.weight);
        let joined = match support.joined {
            Standing::Kept => [weight, weight],
            Standing::Open => [0.0, weight],
            Standing::Dropped => [0.0, 0.0],
        };
        let certain = sum(&shown.weights[..support.kept]);
        let possible = certain + sum(&shown.weights[support.kept..support.open]);
        Self { certain, possible, joined, tail: support.tail }
    }

    /// The certain and the possible prefix. With `any_order`, equal values stand in an unknown order.
    pub(super) fn prefixes(&self, support: &Support, shown: &Shown<'_>, top_p: f64, any_order: bool) -> (usize, usize) {
        let lowest = shown.logprobs.last().map_or(f64::NEG_INFINITY, |&l| f64::from(l));
        if shown.joined.is_none() && support.kept == support.open && self.tail.cap < lowest {
            return self.plain_prefixes(&shown.logprobs[..support.open], shown.weights, top_p, any_order);
        }
        let (mut before, mut before_certain) = (0.0, 0.0);
        let (mut kept, mut start) = (0, 0);
        while start < support.open {
            let end = if any_order { group_end(shown.logprobs, start).min(support.open) } else { start + 1 };
            let own = shown.weights[start];
            let mass = own * (end - start) as f64;
            let group = Group { logprob: f64::from(shown.logprobs[start]), before, before_certain, own, mass };
            match self.judge(&group, shown, top_p, start < support.kept, any_order) {
                Standing::Dropped => return (kept, start),
                Standing::Kept if kept == start => kept = end,
                _ => {}
            }
            before += mass;
            before_certain += if start < support.kept { mass } else { 0.0 };
            start = end;
        }
        (kept, start)
    }

    /// The same where all entries are certain and everything else comes after them: one pass.
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

    fn judge(&self, group: &Group, shown: &Shown<'_>, top_p: f64, certain: bool, any_order: bool) -> Standing {
        let [mut above, mut beside, mut below] = [[0.0; 2]; 3];
        if let Some(joined) = shown.joined {
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
        let ahead = if any_order { self.tail.weight_from(group.logprob, shown.scale) } else { 0.0 };
        let tail_after = if ahead > 0.0 { 0.0 } else { self.tail.low };
        let most_before = group.before + (group.mass - group.own) + above[1] + beside[1] + ahead;
        if most_before <= 0.0 {
            return Standing::Kept;
        }
        let after_certain = self.certain - group.before_certain - if certain { group.mass } else { 0.0 };
        let total = most_before + group.own + after_certain.max(0.0) + below[0] + tail_after;
        if most_before < (top_p - SLACK) * total {
            return Standing::Kept;
        }
        let least_before = group.before_certain + above[0];
        let after = (self.possible - group.before).max(group.mass) + beside[1] + below[1] + self.tail.high;
        if least_before > (top_p + SLACK) * (least_before + after) { Standing::Dropped } else { Standing::Open }
    }

    /// The joined token, before which stand all larger candidates and between none and all of the tail.
    pub(super) fn joined(&self, shown: &Shown<'_>, top_p: f64) -> Standing {
        let Some(joined) = shown.joined else { return Standing::Kept };
        let place = |strictly: bool| {
            shown.logprobs.partition_point(|&l| {
                let l = f64::from(l);
                if strictly { l > joined.logprob } else { l >= joined.logprob }
            })
        };
        let limit = |index: usize| sum(&shown.weights[..index.min(shown.weights.len())]);
        let ahead = self.tail.weight_from(joined.logprob, shown.scale);
        let most_before = limit(place(false)).min(self.possible) + ahead;
        let after = (self.certain - most_before + ahead).max(0.0) + if ahead > 0.0 { 0.0 } else { self.tail.low };
        let kept = most_before < (top_p - SLACK) * (most_before + joined.weight + after) || most_before <= 0.0;
        let least_before = limit(place(true)).min(self.certain);
        let rest = (self.possible - least_before).max(0.0) + joined.weight + self.tail.high;
        Standing::of(kept, least_before > (top_p + SLACK) * (least_before + rest))
    }

    /// Whether what certainly stands before every unseen token has more than `top_p` of the mass.
    pub(super) fn tail_is_dropped(&self, shown: &Shown<'_>, top_p: f64, kept: usize) -> bool {
        let above = shown.logprobs[..kept].partition_point(|&l| f64::from(l) > self.tail.cap);
        let joined =
            if shown.joined.is_some_and(|joined| joined.logprob > self.tail.cap) { self.joined[0] } else { 0.0 };
        let before = sum(&shown.weights[..above]) + joined;
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
}

fn group_end(logprobs: &[f32], start: usize) -> usize {
    start + logprobs[start..].iter().take_while(|l| **l == logprobs[start]).count()
}

/// Sum in four lanes, in an order that the length fixes.
pub(super) fn sum(values: &[f64]) -> f64 {
    let (blocks, rest) = values.as_chunks::<4>();
    let mut lanes = [0.0; 4];
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane += value;
        }
    }
    (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]) + rest.iter().sum::<f64>()
}
