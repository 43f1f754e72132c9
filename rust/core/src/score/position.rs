//! One position before any noise is drawn: weights, support, and what is known of the claimed token.

use super::candidates::{Candidates, Joined};
use super::filters::Filters;
use super::grid::may_tie;
use super::judge::{Claimed, Scorer};
use super::support::{Standing, Support};
use super::survivors::survivors;
use super::tail::Tail;
use super::unseen::Unseen;
use super::weights::{Scale, sum};
use crate::exp::exp;
use crate::topk::{Row, UNRESOLVED};

/// Columns of a claimed token that are looked at one by one; where it may have more, the stream's bounds are taken.
const COLUMNS: usize = 64;

/// What is the same at every position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) filters: &'a Filters,
    /// Number of ids of the vocabulary, or an upper bound.
    pub(super) ids: usize,
    pub(super) contiguous: bool,
    /// What the engine adds to each token's probability before the logarithm.
    pub(super) floor: f64,
    /// Greatest noise of the stream.
    pub(super) most_noise: f64,
}

/// A position that has something to score.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position<'a> {
    pub(super) row: Row<'a>,
    pub(super) candidates: Candidates<'a>,
    pub(super) support: Support,
    /// Index of the claimed token, or of the unresolved entry that it is.
    pub(super) place: Option<usize>,
    pub(super) by_place: bool,
    scorer: Scorer,
    most_noise: f64,
    /// First and last column that the claimed token may have, where columns count.
    columns: [usize; 2],
}

impl<'a> Position<'a> {
    /// None where the reference gave nothing to compare with. `weights` is space to work in.
    pub(super) fn new(row: Row<'a>, setting: &Setting<'_>, weights: &'a mut Vec<f64>) -> Option<Self> {
        let top = row.logprobs.first().copied().filter(|&top| top > f32::NEG_INFINITY)?;
        let filters = setting.filters;
        let scale = Scale { temperature: filters.temperature, top: f64::from(top) };
        let inverse = 1.0 / scale.temperature;
        weights.clear();
        weights.extend(row.logprobs.iter().map(|&l| exp((f64::from(l) - scale.top) * inverse)));
        let place = row.find_claimed().or_else(|| find_unresolved_twin(&row));
        let known = place.is_none() && !row.claimed_logprob().is_nan();
        let joined = known.then(|| Joined {
            logprob: f64::from(row.claimed_logprob()),
            weight: scale.weight(f64::from(row.claimed_logprob())),
            rank: u32::try_from(row.claimed_rank()).ok().map(f64::from),
        });
        let tail = tail_of(&row, weights, joined, setting, scale);
        let contiguous = setting.contiguous;
        let candidates = Candidates { logprobs: row.logprobs, weights, joined, tail, scale, contiguous };
        let support = survivors(&candidates, filters);
        // The engine adds its floor to shares of the whole vocabulary: the greatest weight that it may have lifts most.
        let everything = sum(weights) + joined.map_or(0.0, |joined| joined.weight) + tail.high;
        let scorer = Scorer { scale, floor: setting.floor * everything };
        let by_place = filters.draws_by_place();
        let mut position =
            Self { row, candidates, support, place, by_place, scorer, most_noise: setting.most_noise, columns: [0; 2] };
        position.columns = position.claimed_columns(filters);
        Some(position)
    }

    /// First and last column of the descending sort that the claimed token may have: one, unless values tie.
    ///
    /// Before it stand all larger values, and at worst all equal ones: the row's, and as many unseen ones as there can be.
    /// Its own entry is among the row's equal ones, and does not stand before itself.
    fn claimed_columns(&self, filters: &Filters) -> [usize; 2] {
        let logprob = match (self.place, self.candidates.joined) {
            (Some(place), _) => f64::from(self.row.logprobs[place]),
            (None, Some(joined)) => joined.logprob,
            (None, None) => return [0, usize::MAX],
        };
        if !self.candidates.contiguous {
            return [0, usize::MAX];
        }
        let first = self.row.logprobs.partition_point(|&l| f64::from(l) > logprob);
        let end =
            self.row.logprobs.partition_point(|&l| f64::from(l) >= logprob) + self.candidates.tail.tokens_from(logprob);
        let last = if self.place.is_some() { end.saturating_sub(1) } else { end };
        // A token beyond the places that top-k leaves is dropped, unless a floor lets it win all the same.
        let limited = filters.top_k > 0 && self.scorer.floor == 0.0;
        [first, if limited { last.min(filters.top_k - 1).max(first) } else { last }]
    }

    /// What noise is needed: ids, or columns where those count. The first are the row's entries that may survive.
    pub(super) fn wanted(&self, ids: &mut Vec<u32>) {
        ids.clear();
        if self.by_place {
            let [first, last] = self.columns;
            let claimed = if last - first <= COLUMNS { last + 1 } else { 0 };
            ids.extend(0..self.support.open.max(claimed) as u32);
            return;
        }
        ids.extend(self.row.token_ids[..self.support.open].iter().map(|&id| if id == UNRESOLVED { 0 } else { id }));
        if self.place_of_noise().is_none() {
            ids.push(self.row.claimed);
        }
    }

    /// Where the noise of the claimed token's id is already among the row's.
    fn place_of_noise(&self) -> Option<usize> {
        self.place.filter(|&place| place < self.support.open && self.row.token_ids[place] == self.row.claimed)
    }

    /// The claimed token, given the noise that was wanted.
    pub(super) fn claimed(&self, noise: &[f64]) -> Claimed {
        let length = self.row.logprobs.len();
        let (logprob, known, standing) = match (self.place, self.candidates.joined) {
            (Some(place), _) => (f64::from(self.row.logprobs[place]), true, self.standing_of(place)),
            (None, Some(joined)) => (joined.logprob, true, self.support.joined),
            (None, None) => (self.greatest_unknown(), false, self.standing_of_unknown()),
        };
        let [first, last] = match (self.by_place, self.place) {
            (true, _) => self.columns,
            (false, Some(place)) => [place, place],
            (false, None) => [length, length],
        };
        let places = [first.min(length), last.min(length.saturating_sub(1)) + 1];
        Claimed { id: self.row.claimed, logprob, known, standing, noise: self.claimed_noise(noise), places }
    }

    /// Least and greatest noise that the claimed token may have: of its id, or of all the places that it may have. Too many
    /// places to draw leave what holds for any noise of the stream.
    fn claimed_noise(&self, noise: &[f64]) -> [f64; 2] {
        if !self.by_place {
            let place = self.place_of_noise().unwrap_or(noise.len().saturating_sub(1));
            let found = noise.get(place).copied().unwrap_or(f64::NAN);
            return [found, found];
        }
        let [first, last] = self.columns;
        let columns = if last < noise.len() { &noise[first..=last] } else { &[] };
        let lowest = columns.iter().copied().reduce(f64::min).unwrap_or(f64::NEG_INFINITY);
        [lowest, columns.iter().copied().reduce(f64::max).unwrap_or(self.most_noise)]
    }

    /// The standing of a claimed token that the row has: certain only if it is the same at all places that it may have.
    fn standing_of(&self, place: usize) -> Standing {
        let [first, last] = if self.by_place { self.columns } else { [place, place] };
        let tied_across = self.by_place && self.ties_cross_the_cut(place);
        if last < self.support.kept && !tied_across {
            Standing::Kept
        } else if first >= self.support.open {
            Standing::Dropped
        } else {
            Standing::Open
        }
    }

    /// Whether tokens as likely as the one at `place` may stand beyond the certain places.
    fn ties_cross_the_cut(&self, place: usize) -> bool {
        let logprob = self.row.logprobs[place];
        let end = self.row.logprobs.partition_point(|&l| l >= logprob);
        end > self.support.kept || self.candidates.tail.count_from(f64::from(logprob)) > 0.0
    }

    /// The greatest logprob that a claimed token outside the candidates can have: an unresolved entry may be it.
    fn greatest_unknown(&self) -> f64 {
        self.unresolved().map_or(self.candidates.tail.cap, |l| f64::from(l).max(self.candidates.tail.cap))
    }

    /// The logprob of the first unresolved entry.
    fn unresolved(&self) -> Option<f32> {
        self.row.token_ids.iter().position(|&id| id == UNRESOLVED).map(|place| self.row.logprobs[place])
    }

    /// A claimed token that is no candidate may be in the support if any unseen token may be, or an unresolved entry; it is
    /// never kept for certain.
    fn standing_of_unknown(&self) -> Standing {
        // Where places count, a token that ties may have the first place of the tie.
        let first_place = |l: f32| self.row.logprobs.partition_point(|&other| other > l);
        let unresolved = self.unresolved().is_some_and(|l| first_place(l) < self.support.open);
        if self.support.reaches || unresolved { Standing::Open } else { Standing::Dropped }
    }

    /// Number of candidates with a larger logprob, or what the API says of a token outside the row; that of all that are
    /// possible where nothing is known.
    pub(super) fn logit_rank(&self) -> f32 {
        let larger = |l: f32| self.row.logprobs.partition_point(|&other| other > l) as f32;
        match (self.place, self.candidates.joined) {
            (Some(place), _) => larger(self.row.logprobs[place]),
            (None, Some(_)) if self.row.claimed_rank() >= 0 => self.row.claimed_rank() as f32,
            (None, Some(_)) => larger(self.row.claimed_logprob()),
            (None, None) => larger(f32::NEG_INFINITY),
        }
    }

    /// How scores are made of logprobs and noise.
    pub(super) fn scorer(&self) -> Scorer {
        self.scorer
    }
}

/// The unresolved entry that the claimed token is taken to be: one that has exactly its logprob.
fn find_unresolved_twin(row: &Row<'_>) -> Option<usize> {
    let mut entries = row.token_ids.iter().zip(row.logprobs);
    entries.position(|(&id, &l)| id == UNRESOLVED && l == row.claimed_logprob())
}

/// The tail behind the row and, if it is given, the joined token.
pub(super) fn tail_of(
    row: &Row<'_>,
    weights: &[f64],
    joined: Option<Joined>,
    setting: &Setting<'_>,
    scale: Scale,
) -> Tail {
    let of_joined = joined.map_or(0.0, |joined| exp(joined.logprob));
    // At temperature 1 the weights are the probabilities but for one factor, and need not be computed again.
    let of_row = if scale.temperature == 1.0 { sum(weights) * exp(scale.top) } else { crate::sum::mass(row.logprobs) };
    let lowest = if setting.contiguous { row.logprobs.last().copied() } else { None };
    let named = row.token_ids.iter().filter(|&&id| id != UNRESOLVED).count() + usize::from(joined.is_some());
    let mut unseen = Unseen::new(of_row + of_joined, lowest);
    // A row whose logits lie anywhere has no unseen token at exactly its last value: all lie below it.
    if lowest.is_some_and(|lowest| f64::from(lowest) == unseen.cap) && !may_tie(row.logprobs) {
        unseen.cap = unseen.cap.next_down();
    }
    Tail::new(unseen, setting.ids.saturating_sub(named), scale)
}
