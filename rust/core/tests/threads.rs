//! Every answer is the same, bit for bit, on any number of threads.

#![expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "small")]

use token_difr_core::{Arrays, Scores, TopKBatch, score_greedy, shuffled_sums, swapped_sums};

const THREADS: [usize; 3] = [1, 2, 7];
const POSITIONS: usize = 20_000;
const K: usize = 7;

/// Integers that look random, from a linear congruential generator (Knuth's MMIX constants).
fn noise() -> impl FnMut() -> u32 {
    let mut state = 1_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    }
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(work)
}

fn bits(scores: &Scores) -> Vec<u32> {
    let columns = [&scores.prob, &scores.margin, &scores.margin_bound, &scores.logit_rank];
    let flags = scores.exact_match.iter().map(|&m| u32::from(m)).chain(scores.status.iter().map(|&s| u32::from(s)));
    columns.into_iter().flatten().map(|value| value.to_bits()).chain(flags).collect()
}

#[test]
fn scores_of_unsorted_rows() {
    let mut noise = noise();
    let indptr: Vec<i64> = (0..=POSITIONS).map(|j| (j * K) as i64).collect();
    // Ids of one row differ by their remainder modulo K.
    let token_ids: Vec<u32> = (0..POSITIONS * K).map(|i| noise() % 1000 * K as u32 + (i % K) as u32).collect();
    let logprobs: Vec<f32> = (0..POSITIONS * K).map(|_| -2.0 - (noise() % 64) as f32 / 16.0).collect();
    let claimed: Vec<u32> = (0..POSITIONS).map(|j| token_ids[j * K + noise() as usize % K] + noise() % 2).collect();
    let arrays =
        Arrays { indptr: &indptr, token_ids: &token_ids, logprobs: &logprobs, claimed: &claimed, ..Arrays::default() };
    let score = || score_greedy(&TopKBatch::new(arrays).expect("a valid batch"));

    let expected = bits(&on_threads(1, score));
    for threads in THREADS {
        assert_eq!(bits(&on_threads(threads, score)), expected, "{threads} threads");
    }
}

#[test]
fn deals() {
    let mut noise = noise();
    let table: Vec<f64> = (0..900).map(|_| f64::from(noise()) / 3.0).collect();
    let deals = || {
        let swapped = swapped_sums(&table, 3, 0..1000, 42).expect("shapes agree");
        (shuffled_sums(&table, 3, 100, 0..1000, 42).expect("shapes agree"), swapped)
    };

    let expected = on_threads(1, deals);
    for threads in THREADS {
        assert_eq!(on_threads(threads, deals), expected, "{threads} threads");
    }
}
