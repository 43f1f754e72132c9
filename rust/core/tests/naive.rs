//! The scorer against a scorer of ten lines that is obviously right, on random rows.

#![expect(clippy::float_cmp, reason = "ties are exact")]
#![expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "small")]

use proptest::prelude::*;
use token_difr_core::{Arrays, Scores, Status, TopKBatch, score_greedy};

const ABSENT: f32 = f32::NEG_INFINITY;

/// Arg-max over candidates, straight from the definition: (status, exact match, logprob, margin, bound, rank).
fn naive(row: &[(u32, f32)], claimed: u32, claimed_logprob: Option<f32>) -> (Status, bool, f32, f32, f32, f32) {
    let in_row = row.iter().find(|entry| entry.0 == claimed).map(|entry| entry.1);
    let joined = claimed_logprob.filter(|_| in_row.is_none()).map(|l| (claimed, l));
    let candidates: Vec<(u32, f32)> = row.iter().copied().chain(joined).collect();
    if row.iter().all(|entry| entry.1 == ABSENT) {
        return (Status::Unscored, false, f32::NAN, f32::NAN, f32::NAN, f32::NAN);
    }
    let best = candidates
        .iter()
        .copied()
        .reduce(|a, b| if b.1 > a.1 || (b.1 == a.1 && b.0 < a.0) { b } else { a })
        .expect("no empty row");
    let Some(l) = in_row.or(claimed_logprob) else {
        let mass: f64 = row.iter().map(|entry| f64::from(entry.1).exp()).sum();
        let cap = row.iter().map(|entry| f64::from(entry.1)).fold(((1.0 - mass).max(0.0) + 1e-5).ln(), f64::min);
        let possible = row.iter().filter(|entry| entry.1 > ABSENT).count() as f32;
        return (Status::Censored, false, ABSENT, f32::INFINITY, (f64::from(best.1) - cap) as f32, possible);
    };
    let rank = candidates.iter().filter(|entry| entry.1 > l).count() as f32;
    (Status::Scored, best.0 == claimed, l, best.1 - l, best.1 - l, rank)
}

/// Flat arrays that own their memory.
#[derive(Debug, Clone, Default)]
struct Batch {
    indptr: Vec<i64>,
    token_ids: Vec<u32>,
    logprobs: Vec<f32>,
    claimed: Vec<u32>,
    claimed_logprob: Vec<f32>,
}

type Position = (Vec<(u32, f32)>, u32, Option<f32>);

impl Batch {
    fn new(positions: &[Position]) -> Self {
        let mut batch = Self { indptr: vec![0], ..Self::default() };
        for (row, claimed, claimed_logprob) in positions {
            batch.token_ids.extend(row.iter().map(|entry| entry.0));
            batch.logprobs.extend(row.iter().map(|entry| entry.1));
            batch.indptr.push(batch.token_ids.len() as i64);
            batch.claimed.push(*claimed);
            batch.claimed_logprob.push(claimed_logprob.unwrap_or(f32::NAN));
        }
        batch
    }

    fn score(&self) -> Scores {
        let batch = TopKBatch::new(Arrays {
            indptr: &self.indptr,
            token_ids: &self.token_ids,
            logprobs: &self.logprobs,
            claimed: &self.claimed,
            claimed_logprob: Some(&self.claimed_logprob),
            ..Arrays::default()
        });
        score_greedy(&batch.expect("a valid batch"))
    }
}

/// Logprobs in steps of 1/16, so that ties are common, and sometimes -inf.
fn logprob() -> impl Strategy<Value = f32> {
    prop_oneof![9 => (0..80_u16).prop_map(|step| -f32::from(step) / 16.0), 1 => Just(f32::NEG_INFINITY)]
}

/// A row of few ids in any order, a claimed token that is often in it, and sometimes its logprob.
fn position() -> impl Strategy<Value = Position> {
    let row = prop::collection::btree_map(0..24_u32, logprob(), 0..12)
        .prop_map(|row| row.into_iter().collect::<Vec<_>>())
        .prop_shuffle();
    (row, 0..24_u32, prop::option::of(0..32_u16)).prop_map(|(row, claimed, below)| {
        let lowest = row.iter().map(|entry| entry.1).fold(0.0, f32::min);
        (row, claimed, below.map(|step| lowest - f32::from(step) / 16.0))
    })
}

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-6 * b.abs().max(1.0)
}

proptest! {
    #[test]
    fn scores_equal_the_naive_ones(positions in prop::collection::vec(position(), 0..40)) {
        let scores = Batch::new(&positions).score();
        for (j, (row, claimed, claimed_logprob)) in positions.iter().enumerate() {
            let (status, exact_match, logprob, margin, margin_bound, rank) = naive(row, *claimed, *claimed_logprob);

            prop_assert_eq!(scores.status[j], status as u8, "status at {}", j);
            prop_assert_eq!(scores.exact_match[j], exact_match, "exact match at {}", j);
            prop_assert!(same(scores.prob[j], logprob.exp()), "prob at {}", j);
            prop_assert!(same(scores.margin[j], margin), "margin at {}", j);
            prop_assert!(same(scores.margin_bound[j], margin_bound), "bound at {}", j);
            prop_assert!(same(scores.logit_rank[j], rank), "rank at {}", j);
        }
    }

    #[test]
    fn the_order_of_a_row_as_given_does_not_matter(
        positions in prop::collection::vec(position(), 1..20), seed in any::<u64>(),
    ) {
        let mut shuffled = positions.clone();
        for (row, _, _) in &mut shuffled {
            let turn = seed as usize % row.len().max(1);
            row.rotate_left(turn);
            row.reverse();
        }
        let (as_given, shuffled) = (Batch::new(&positions).score(), Batch::new(&shuffled).score());

        prop_assert_eq!(format!("{as_given:?}"), format!("{shuffled:?}"));
    }
}
