//! Which candidates survive the filters: each filter's rule, where only the top of the distribution is known.
//!
//! Each filter compares a token with something that depends on tokens which the row does not show: min-p with the
//! likeliest token, top-k with the number of likelier ones, top-p with their mass ([`shares`](super::shares)). The
//! unknown has bounds, and each filter is applied at both ends: what survives at the worst end is kept for certain, what
//! falls even at the best end is dropped for certain, the rest is open.

use super::candidates::Candidates;
use super::filters::{FilterRule, Filters};
use super::shares::Masses;
use super::support::{Standing, Support};

/// The support under `filters`, in the order of their rule.
pub(super) fn survivors(candidates: &Candidates<'_>, filters: &Filters) -> Support {
    let mut support = Support::everything(candidates);
    match filters.rule {
        FilterRule::Vllm => {
            min_p(&mut support, candidates, filters);
            top_k(&mut support, candidates, filters.top_k);
            top_p(&mut support, candidates, filters.top_p, true);
        }
        FilterRule::HuggingFace => {
            top_k(&mut support, candidates, filters.top_k);
            top_p(&mut support, candidates, filters.top_p, true);
            min_p(&mut support, candidates, filters);
        }
        FilterRule::Sglang => sglang(&mut support, candidates, filters),
    }
    support
}

/// Tokens less than `min_p` times as probable as the likeliest are dropped.
///
/// At temperature T that is `exp(l / T) < min_p exp(l_max / T)`, or `l < l_max + T ln min_p`: a cut in nats of logprob.
/// The likeliest token is the row's first, unless the joined token or an unseen one lies above it (possible only where
/// rows have gaps); so `l_max` lies between the largest value that is known and the cap, and the cut between two values.
fn min_p(support: &mut Support, candidates: &Candidates<'_>, filters: &Filters) {
    if filters.min_p <= 0.0 {
        return;
    }
    let top = candidates.scale.top;
    let least_top = candidates.joined.map_or(top, |joined| joined.logprob.max(top));
    let below = filters.temperature * filters.min_p.ln();
    let (cut, highest_cut) = (least_top + below, least_top.max(candidates.tail.cap) + below);
    support.limit(candidates.count_from(highest_cut), candidates.count_from(cut));
    if let Some(joined) = candidates.joined {
        support.limit_joined(Standing::of(joined.logprob >= highest_cut, joined.logprob < cut));
    }
    // Perhaps no unseen token reaches the cut: nothing of the tail is certain any more.
    if support.tail.cap < cut { support.drop_tail() } else { support.tail.low = 0.0 }
}

/// Tokens with `top_k` or more likelier ones are dropped; ties with the k-th value have fewer, and stay.
fn top_k(support: &mut Support, candidates: &Candidates<'_>, top_k: usize) {
    let length = candidates.logprobs.len();
    let everything = length as f64 + candidates.tail.ids() + f64::from(u8::from(candidates.joined.is_some()));
    if top_k == 0 || top_k as f64 >= everything {
        return;
    }
    let (kept, open) = if candidates.row_is_settled() {
        let cut = candidates.logprobs.get(top_k - 1).copied().unwrap_or(f32::NEG_INFINITY);
        let kept = candidates.count_from(f64::from(cut));
        (kept, kept)
    } else {
        (reach(candidates, top_k, true), reach(candidates, top_k, false))
    };
    support.limit(kept, open);
    top_k_of_joined(support, candidates, top_k);
    top_k_of_tail(support, candidates, top_k);
}

/// Where the row's entries begin to have `top_k` or more likelier ones: counting every unseen token that may be
/// (`most`, which tells what is kept for certain) or none (which tells what may be kept).
fn reach(candidates: &Candidates<'_>, top_k: usize, most: bool) -> usize {
    let likelier = |start: usize| {
        let logprob = f64::from(candidates.logprobs[start]);
        let joined = f64::from(u8::from(candidates.joined_above(logprob)));
        let unseen = if most { candidates.tail.count_above(logprob) } else { 0.0 };
        // Equal values have the same number of likelier ones: that of the first of them.
        start as f64 + joined + unseen
    };
    let found = groups(candidates.logprobs).find(|&start| likelier(start) >= top_k as f64);
    found.unwrap_or(candidates.logprobs.len())
}

/// The joined token has the row's larger entries above it for certain, and unseen ones perhaps; what the API says of its
/// rank bounds their number too.
fn top_k_of_joined(support: &mut Support, candidates: &Candidates<'_>, top_k: usize) {
    let Some(joined) = candidates.joined else { return };
    let least = candidates.count_above(joined.logprob) as f64;
    let most = (least + candidates.tail.count_above(joined.logprob)).min(joined.rank.unwrap_or(f64::INFINITY));
    support.limit_joined(Standing::of(most < top_k as f64, least >= top_k as f64));
}

/// Top-k for the unseen tokens.
fn top_k_of_tail(support: &mut Support, candidates: &Candidates<'_>, top_k: usize) {
    let (length, cap) = (candidates.logprobs.len(), support.tail.cap);
    let above = candidates.count_above(cap) + usize::from(candidates.joined_above(cap));
    if above >= top_k {
        // Even the likeliest unseen token has that many above it.
        support.drop_tail();
    } else if top_k <= length {
        // Tokens that the row lacks can only raise the k-th largest value of all. So it is at least the row's own k-th, and
        // only an unseen token that reaches that is kept: in a contiguous row, one that ties with it.
        let cut = f64::from(candidates.logprobs[top_k - 1]);
        support.tail.high = support.tail.weight_from(cut, candidates.scale);
        support.tail.low = 0.0;
        support.tail.tied = candidates.contiguous;
        support.reaches &= support.tail.count_from(cut) > 0.0;
    } else {
        // The row leaves `room` places to the n unseen tokens, and the likeliest take them. Their average weight is at
        // least that of all, so that they have at least room/n of the tail. There is no such upper bound: an engine that
        // keeps ties with the k-th value may keep any number of tokens.
        let room = top_k as f64 - length as f64 - f64::from(u8::from(candidates.joined.is_some()));
        support.tail.low *= (room / support.tail.ids().max(1.0)).clamp(0.0, 1.0);
    }
}

/// Tokens are dropped whose likelier ones already have `top_p` of the mass; the likeliest stays.
///
/// `any_order`: of equal values any may come first; else the prefixes count places, not tokens.
fn top_p(support: &mut Support, candidates: &Candidates<'_>, top_p: f64, any_order: bool) {
    if top_p >= 1.0 {
        return;
    }
    let masses = Masses::new(support, candidates);
    let (kept, open) = masses.prefixes(support, candidates, top_p, any_order);
    let joined = masses.joined(candidates, top_p);
    let tail_is_dropped = masses.tail_is_dropped(candidates, top_p, support.kept);
    support.limit(kept, open);
    support.limit_joined(joined);
    if tail_is_dropped {
        support.drop_tail();
    }
}

/// `SGLang` sorts once, and cuts by place: by the mass before it, over the whole vocabulary, and by rank. The
/// prefixes count places here: the value at each is known even where it is not known which token holds it.
fn sglang(support: &mut Support, candidates: &Candidates<'_>, filters: &Filters) {
    top_p(support, candidates, filters.top_p, false);
    if filters.top_k > 0 {
        place_below(support, candidates, filters.top_k);
    }
    min_p(support, candidates, filters);
    if !candidates.contiguous && filters.act() {
        // Unseen tokens may stand anywhere: no place is certain.
        support.kept = 0;
        support.limit_joined(Standing::Open);
    }
}

/// Exactly the first `top_k` places of the sort are left. A token that ties with others may have any of their places: at
/// best the one after all larger values, at worst the one after all equal ones too.
fn place_below(support: &mut Support, candidates: &Candidates<'_>, top_k: usize) {
    let limit = top_k as f64;
    support.limit(top_k, top_k);
    if let Some(joined) = candidates.joined {
        let least = candidates.count_above(joined.logprob) as f64;
        // All of the row that is not above it is taken to tie: the row lies above a token that joins it.
        let most = candidates.logprobs.len() as f64 + candidates.tail.count_from(joined.logprob);
        support.limit_joined(Standing::of(most < limit, least >= limit));
    }
    if candidates.count_above(support.tail.cap) >= top_k {
        support.drop_tail();
    }
    support.tail.tied = candidates.contiguous && top_k <= candidates.logprobs.len();
}

/// Start of each run of equal values.
fn groups(logprobs: &[f32]) -> impl Iterator<Item = usize> {
    (0..logprobs.len()).filter(|&i| i == 0 || logprobs[i] != logprobs[i - 1])
}
