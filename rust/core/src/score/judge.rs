//! From support and noise to a status: did the claimed token win?
//!
//! The engine takes the arg-max of `z = l + T g` over the whole support, the lowest id among equals. Of that contest the
//! row shows some of the tokens, and of some of these it does not tell whether they are in the support. Three
//! conclusions hold whatever the row does not show:
//!
//! * *It lost*, if a kept rival's z is above all that the claimed token's can be: that rival takes part for certain, and
//!   further rivals can only beat the claimed token too. How far it lost is then at least the difference, for the real
//!   winner has at least that rival's z: a lower bound, and the margin itself where all candidates are certain.
//! * *It won among the candidates*, if it is kept, its z is known, no kept rival beats it, and no open one could.
//! * *It was never eligible*, if it is certainly dropped.
//!
//! All else is undecided. An unseen token may still have beaten a winner: its noise is not drawn here
//! ([`rivals`](super::rivals) looks for that).
//!
//! Where noise belongs to places of the sort and values tie, the claimed token has one of several places: its noise is
//! then known by its least and its greatest value, and each conclusion takes the end that is harder on it.

use super::status::Status;
use super::support::{Standing, Support};
use super::weights::Scale;
use crate::topk::UNRESOLVED;

/// How the engine makes a score of a logprob and its noise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scorer {
    pub(super) scale: Scale,
    /// Weight that the engine adds to every token, dropped ones included; 0 for most.
    pub(super) floor: f64,
}

impl Scorer {
    /// z = l + T g, in nats; -inf for a logprob of -inf, whatever its noise.
    #[inline]
    pub(super) fn score(&self, logprob: f64, noise: f64) -> f64 {
        let logprob = self.lifted(logprob);
        if logprob == f64::NEG_INFINITY { logprob } else { logprob + self.scale.temperature * noise }
    }

    /// The logprob as the engine sees it. With a floor f it takes `ln(p + f)`, p being the share at temperature T: in weights
    /// `w + f W` with W the weight of everything, which is what `floor` holds. `T ln w` is `l - top`, so that without a
    /// floor this is l itself.
    fn lifted(&self, logprob: f64) -> f64 {
        if self.floor == 0.0 {
            return logprob;
        }
        self.scale.top + self.scale.temperature * (self.scale.weight(logprob) + self.floor).ln()
    }
}

/// The claimed token as far as it is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claimed {
    pub(super) id: u32,
    /// Its logprob; where that is unknown, the greatest it can have.
    pub(super) logprob: f64,
    pub(super) known: bool,
    pub(super) standing: Standing,
    /// Its noise, at least and at most: equal where its place in the stream is known.
    pub(super) noise: [f64; 2],
    /// Entries of the row that are the claimed token, or may be it.
    pub(super) places: [usize; 2],
}

/// What a position comes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    pub(super) status: Status,
    pub(super) exact_match: bool,
    pub(super) margin: f64,
    pub(super) margin_bound: f64,
    pub(super) gumbel_rank: f64,
    /// Largest z of the kept candidates and, where it is one, the claimed token.
    pub(super) best: f64,
}

/// The kept rivals of the claimed token, and the open ones.
#[derive(Debug, Clone, Copy)]
struct Rivals {
    best_kept: f64,
    /// Lowest id among those with that score.
    id: u32,
    best_open: f64,
    /// Kept rivals above the claimed token.
    above: usize,
}

/// The row's side of the comparison.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contest<'a> {
    pub(super) token_ids: &'a [u32],
    pub(super) logprobs: &'a [f32],
    /// Noise of the first `support.open` entries.
    pub(super) noise: &'a [f64],
    pub(super) support: &'a Support,
    pub(super) scorer: Scorer,
    /// Whether the noise belongs to the places of the row, so that an entry without an id has its noise too.
    pub(super) by_place: bool,
}

impl Contest<'_> {
    /// The first status of the table that applies.
    pub(super) fn judge(&self, claimed: &Claimed) -> Outcome {
        let [lowest, highest] = claimed.noise.map(|noise| self.scorer.score(claimed.logprob, noise));
        let rivals = self.rivals(claimed, highest);
        let best = if claimed.known && claimed.standing == Standing::Kept {
            rivals.best_kept.max(highest)
        } else {
            rivals.best_kept
        };
        let exact = claimed.known && lowest == highest;
        let possible = || self.logprobs.partition_point(|&l| l > f32::NEG_INFINITY);
        let rank = (if claimed.known { rivals.above } else { possible() }) as f64;
        let outcome = |status, margin: f64, margin_bound: f64| {
            let gumbel_rank = if status == Status::Undecided { f64::NAN } else { rank };
            Outcome { status, exact_match: false, margin, margin_bound, gumbel_rank, best }
        };
        let undecided = outcome(Status::Undecided, f64::NAN, f64::NAN);
        if claimed.standing == Standing::Dropped {
            return match self.filtered(claimed, rivals.best_kept, highest) {
                Some(bound) => outcome(Status::Filtered, f64::INFINITY, bound),
                None => undecided,
            };
        }
        // Of equal scores the lowest id wins, if the score is certain.
        let beaten = rivals.best_kept > highest || (exact && rivals.best_kept == highest && rivals.id < claimed.id);
        let bound = rivals.best_kept - highest;
        if !claimed.known {
            let censored = outcome(Status::Censored, f64::INFINITY, bound);
            return if beaten { censored } else { undecided };
        }
        let open = self.support.kept < self.support.open || self.support.joined == Standing::Open;
        if beaten && (open || !exact || claimed.standing == Standing::Open) {
            return outcome(Status::Censored, bound, bound);
        }
        // Two infinite scores: the engine divides by zero twice, and which of the results it prefers is not defined.
        let both_infinite = highest == f64::INFINITY && rivals.best_kept == f64::INFINITY;
        let open_rival = rivals.best_open >= lowest && rivals.best_open > f64::NEG_INFINITY;
        if claimed.standing == Standing::Open || !exact || open_rival || both_infinite {
            return undecided;
        }
        let margin = if beaten { bound } else { 0.0 };
        Outcome { exact_match: !beaten, ..outcome(Status::Scored, margin, margin) }
    }

    /// How far a dropped token was from being chosen; None where an engine's floor lets it win all the same.
    ///
    /// To be chosen its logprob would have to rise to the support, at least to the least kept value, and then its z to the
    /// best one. Both are needed, so the larger of the two is a lower bound.
    fn filtered(&self, claimed: &Claimed, best_kept: f64, highest: f64) -> Option<f64> {
        if self.scorer.floor > 0.0 && self.scorer.score(f64::NEG_INFINITY, claimed.noise[1]) >= best_kept {
            return None;
        }
        let lowest_kept = self.logprobs[..self.support.kept].last().map_or(f64::INFINITY, |&l| f64::from(l));
        Some((best_kept - highest).max(lowest_kept - claimed.logprob).max(0.0))
    }

    fn rivals(&self, claimed: &Claimed, highest: f64) -> Rivals {
        let none = f64::NEG_INFINITY;
        let mut rivals = Rivals { best_kept: none, id: UNRESOLVED, best_open: none, above: 0 };
        let [first, last] = claimed.places;
        for (i, &noise) in self.noise.iter().enumerate().take(self.support.open) {
            // An entry without an id has no known noise, unless noise goes by place.
            let nameless = self.token_ids[i] == UNRESOLVED && !self.by_place;
            if (first..last).contains(&i) || nameless {
                continue;
            }
            let z = self.scorer.score(f64::from(self.logprobs[i]), noise);
            if i >= self.support.kept {
                rivals.best_open = rivals.best_open.max(z);
                continue;
            }
            rivals.above += usize::from(z > highest);
            if z > rivals.best_kept {
                (rivals.best_kept, rivals.id) = (z, self.token_ids[i]);
            } else if z == rivals.best_kept {
                rivals.id = rivals.id.min(self.token_ids[i]);
            }
        }
        rivals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::tail::Tail;
    use crate::score::unseen::Unseen;

    /// Two tokens of one probability at temperature 1, the first of them claimed, with this noise.
    fn judge(noise: [f64; 2]) -> Outcome {
        let scale = Scale { temperature: 1.0, top: -0.75 };
        let tail = Tail::new(Unseen::new(1.0, Some(-0.75)), 0, scale);
        let support = Support { kept: 2, open: 2, joined: Standing::Kept, tail, reaches: false };
        let scorer = Scorer { scale, floor: 0.0 };
        let contest = Contest {
            token_ids: &[4, 9],
            logprobs: &[-0.75; 2],
            noise: &noise,
            support: &support,
            scorer,
            by_place: false,
        };
        let noise = [noise[0]; 2];
        contest.judge(&Claimed { id: 4, logprob: -0.75, known: true, standing: Standing::Kept, noise, places: [0, 1] })
    }

    #[test]
    fn infinite_noise_wins_and_two_of_it_are_undecided() {
        let infinite = f64::INFINITY;
        let table = [
            ([infinite, 0.0], Status::Scored, true, 0.0),
            ([0.0, infinite], Status::Scored, false, infinite),
            ([0.25, 0.5], Status::Scored, false, 0.25),
            ([0.5, 0.5], Status::Scored, true, 0.0),
        ];
        for (noise, status, exact_match, margin) in table {
            let outcome = judge(noise);
            assert_eq!(
                (outcome.status, outcome.exact_match, outcome.margin),
                (status, exact_match, margin),
                "{noise:?}"
            );
        }
        assert_eq!(judge([infinite; 2]).status, Status::Undecided);
    }
}
