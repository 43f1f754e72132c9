//! Which candidates survive the filters, as far as a row tells.
//!
//! Every filter keeps the likelier tokens, so the certain survivors are a prefix of the sorted row, and so are those
//! that may survive: two lengths say it all.

use super::FilterRule;
use super::Filters;
use super::shares::Masses;
use super::tail::{Scale, Tail};

/// Where a candidate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Certainly outside the support.
    Dropped,
    /// The row does not tell.
    Open,
    /// Certainly in the support.
    Kept,
}

impl Standing {
    /// Certain on either side, or open.
    pub(super) fn of(kept: bool, dropped: bool) -> Self {
        match (kept, dropped) {
            (_, true) => Self::Dropped,
            (true, false) => Self::Kept,
            (false, false) => Self::Open,
        }
    }
}

/// A claimed token that the row lacks, and whose logprob is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joined {
    pub(super) logprob: f64,
    pub(super) weight: f64,
    /// At most so many ids have a larger logprob.
    pub(super) rank: Option<f64>,
}

/// What the filters act on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    /// The row, descending.
    pub(super) logprobs: &'a [f32],
    /// Its weights.
    pub(super) weights: &'a [f64],
    pub(super) joined: Option<Joined>,
    pub(super) tail: Tail,
    pub(super) scale: Scale,
    /// Whether the row is the top of the distribution without a gap.
    pub(super) contiguous: bool,
}

impl Shown<'_> {
    /// Whether nothing but the row itself can stand above one of its entries.
    fn row_is_settled(&self) -> bool {
        let lowest = self.logprobs.last().map_or(f64::NEG_INFINITY, |&l| f64::from(l));
        self.tail.cap <= lowest && self.joined.is_none_or(|joined| joined.logprob <= lowest)
    }
}

/// What is left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Support {
    /// The first so many entries of the row are kept.
    pub(super) kept: usize,
    /// The entries from `kept` to here are open, those after it dropped.
    pub(super) open: usize,
    /// Standing of the joined token.
    pub(super) joined: Standing,
    /// What may be left of the tail.
    pub(super) tail: Tail,
    /// Whether an unseen token may be in the support.
    pub(super) reaches: bool,
}

impl Support {
    /// The support of a row under `filters`.
    pub(super) fn new(shown: &Shown<'_>, filters: &Filters) -> Self {
        let length = shown.logprobs.len();
        let reaches = shown.tail.ids() > 0.0;
        let mut support = Self { kept: length, open: length, joined: Standing::Kept, tail: shown.tail, reaches };
        match filters.rule {
            FilterRule::Vllm => {
                support.min_p(shown, filters);
                support.top_k(shown, filters);
                support.top_p(shown, filters, true);
            }
            FilterRule::HuggingFace => {
                support.top_k(shown, filters);
                support.top_p(shown, filters, true);
                support.min_p(shown, filters);
            }
            FilterRule::Sglang => support.sglang(shown, filters),
        }
        support
    }

    fn limit(&mut self, kept: usize, open: usize) {
        self.kept = self.kept.min(kept);
        self.open = self.open.min(open);
    }

    fn drop_tail(&mut self) {
        self.tail = self.tail.none();
        self.reaches = false;
    }

    /// Tokens below `min_p` times the likeliest are dropped. The likeliest is the row's first, unless an unseen token
    /// or the joined one may lie above it.
    fn min_p(&mut self, shown: &Shown<'_>, filters: &Filters) {
        if filters.min_p <= 0.0 {
            return;
        }
        let least_top = shown.joined.map_or(shown.scale.top, |joined| joined.logprob.max(shown.scale.top));
        let below = filters.temperature * filters.min_p.ln();
        let (cut, highest_cut) = (least_top + below, least_top.max(shown.tail.cap) + below);
        let above = |cut: f64| shown.logprobs.partition_point(|&l| f64::from(l) >= cut);
        self.limit(above(highest_cut), above(cut));
        if let Some(joined) = shown.joined {
            self.joined = self.joined.min(Standing::of(joined.logprob >= highest_cut, joined.logprob < cut));
        }
        if self.tail.cap < cut { self.drop_tail() } else { self.tail.low = 0.0 }
    }

    /// Tokens with `top_k` or more likelier ones are dropped; ties with the last one stay.
    fn top_k(&mut self, shown: &Shown<'_>, filters: &Filters) {
        let (length, top_k) = (shown.logprobs.len(), filters.top_k as f64);
        let joined_above = |l: f64| if shown.joined.is_some_and(|joined| joined.logprob > l) { 1.0 } else { 0.0 };
        let everything = length as f64 + shown.tail.ids() + f64::from(u8::from(shown.joined.is_some()));
        if filters.top_k == 0 || top_k >= everything {
            return;
        }
        let (kept, open) = if shown.row_is_settled() {
            let cut = shown.logprobs.get(filters.top_k - 1).copied().unwrap_or(f32::NEG_INFINITY);
            let kept = shown.logprobs.partition_point(|&l| l >= cut);
            (kept, kept)
        } else {
            let reach = |most: bool| {
                let larger = |start: usize, l: f64| {
                    let unseen = if most { shown.tail.count_above(l) } else { 0.0 };
                    start as f64 + joined_above(l) + unseen
                };
                let mut starts = groups(shown.logprobs);
                starts.find(|&start| larger(start, f64::from(shown.logprobs[start])) >= top_k).unwrap_or(length)
            };
            (reach(true), reach(false))
        };
        self.limit(kept, open);
        self.top_k_of_the_rest(shown, filters.top_k);
    }

    /// Top-k for the joined token and the tail.
    fn top_k_of_the_rest(&mut self, shown: &Shown<'_>, top_k: usize) {
        let (length, limit) = (shown.logprobs.len(), top_k as f64);
        let above = |l: f64| shown.logprobs.partition_point(|&other| f64::from(other) > l) as f64;
        if let Some(joined) = shown.joined {
            let larger = above(joined.logprob);
            let most = (larger + shown.tail.count_above(joined.logprob)).min(joined.rank.unwrap_or(f64::INFINITY));
            self.joined = self.joined.min(Standing::of(most < limit, larger >= limit));
        }
        let cap = self.tail.cap;
        let joined_above = shown.joined.is_some_and(|joined| joined.logprob > cap);
        if above(cap) + f64::from(u8::from(joined_above)) >= limit {
            self.drop_tail();
        } else if top_k <= length {
            // The k-th largest value is at least the row's: only what reaches that can be kept.
            let cut = f64::from(shown.logprobs[top_k - 1]);
            self.tail.high = self.tail.weight_from(cut, shown.scale);
            self.tail.low = 0.0;
            self.tail.tied = shown.contiguous;
            self.reaches &= self.tail.count_from(cut) > 0.0;
        } else {
            // No upper bound from the places that are left: an engine that keeps ties may keep any number of tokens.
            let room = limit - length as f64 - f64::from(u8::from(shown.joined.is_some()));
            self.tail.low *= (room / self.tail.ids().max(1.0)).clamp(0.0, 1.0);
        }
    }

    /// Tokens are dropped whose likelier ones already have `top_p` of the mass; the likeliest stays.
    ///
    /// `any_order`: of equal values any may come first; else the prefixes count places, not tokens.
    fn top_p(&mut self, shown: &Shown<'_>, filters: &Filters, any_order: bool) {
        if filters.top_p >= 1.0 {
            return;
        }
        let masses = Masses::new(self, shown);
        let (kept, open) = masses.prefixes(self, shown, filters.top_p, any_order);
        let joined = masses.joined(shown, filters.top_p);
        let tail_is_dropped = masses.tail_is_dropped(shown, filters.top_p, self.kept);
        self.limit(kept, open);
        self.joined = self.joined.min(joined);
        if tail_is_dropped {
            self.drop_tail();
        }
    }

    /// `SGLang` sorts once, and cuts by place: by the mass before it, over the whole vocabulary, and by rank. The
    /// prefixes count places here: the value at each is known even where it is not known which token holds it.
    fn sglang(&mut self, shown: &Shown<'_>, filters: &Filters) {
        self.top_p(shown, filters, false);
        if filters.top_k > 0 {
            self.limit(filters.top_k, filters.top_k);
            let limit = filters.top_k as f64;
            if let Some(joined) = shown.joined {
                let above = shown.logprobs.partition_point(|&l| f64::from(l) > joined.logprob) as f64;
                let tied = shown.logprobs.len() as f64 - above;
                let most = above + tied + shown.tail.count_from(joined.logprob);
                self.joined = self.joined.min(Standing::of(most < limit, above >= limit));
            }
            let above = shown.logprobs.partition_point(|&l| f64::from(l) > self.tail.cap) as f64;
            if above >= limit {
                self.drop_tail();
            }
            self.tail.tied = shown.contiguous && filters.top_k <= shown.logprobs.len();
        }
        self.min_p(shown, filters);
        if !shown.contiguous && filters.act() {
            // Unseen tokens may stand anywhere: no place is certain.
            self.kept = 0;
            self.joined = self.joined.min(Standing::Open);
        }
    }
}

/// Start of each run of equal values.
fn groups(logprobs: &[f32]) -> impl Iterator<Item = usize> {
    (0..logprobs.len()).filter(|&i| i == 0 || logprobs[i] != logprobs[i - 1])
}
