//! Scores at a temperature above 0: the same on any number of threads, and what no engine's stream gives by itself.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "small numbers; bits are compared"
)]

use token_difr_core::rng::gpu::Gpu;
use token_difr_core::rng::{RowKey, Sizes, Stream, StreamError};
use token_difr_core::{
    Arrays, FilterRule, Filters, Replay, SampledScores, SamplingError, Status, TopKBatch, score_sampled,
};

const POSITIONS: usize = 3_000;
const K: usize = 12;
const VOCAB_SIZE: u32 = 4_000;
const RULES: [FilterRule; 3] = [FilterRule::Vllm, FilterRule::HuggingFace, FilterRule::Sglang];

fn streams() -> Vec<Stream> {
    let gpu = Gpu { multiprocessors: 1, threads_per_multiprocessor: 256 };
    let sizes = Sizes { vocab_size: VOCAB_SIZE, batch_size: 1, gpu };
    Stream::names().iter().map(|(name, variant)| Stream::named(name, variant, sizes).expect("a known stream")).collect()
}

fn keys() -> Vec<RowKey> {
    (0..POSITIONS as u64).map(|j| RowKey::new(j / 100, j % 100)).collect()
}

fn filters(rule: FilterRule) -> Filters {
    Filters::new(0.9, 10, 0.9, 0.0, rule).expect("in range")
}

/// Rows in steps of 1/16, so that ties are common; claimed tokens in and out of them.
struct Rows {
    indptr: Vec<i64>,
    token_ids: Vec<u32>,
    logprobs: Vec<f32>,
    claimed: Vec<u32>,
}

impl Rows {
    fn new() -> Self {
        let mut state = 7_u64;
        let mut noise = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32
        };
        let token_ids: Vec<u32> =
            (0..POSITIONS * K).map(|i| noise() % (VOCAB_SIZE / K as u32) * K as u32 + (i % K) as u32).collect();
        let logprobs = (0..POSITIONS)
            .flat_map(|_| {
                let mut row: Vec<f32> = (0..K).map(|_| -2.0 - (noise() % 64) as f32 / 16.0).collect();
                row.sort_by(|a, b| b.total_cmp(a));
                row
            })
            .collect();
        let claimed =
            (0..POSITIONS).map(|j| (token_ids[j * K + noise() as usize % K] + noise() % 2) % VOCAB_SIZE).collect();
        Self { indptr: (0..=POSITIONS).map(|j| (j * K) as i64).collect(), token_ids, logprobs, claimed }
    }

    fn arrays(&self) -> Arrays<'_> {
        Arrays {
            indptr: &self.indptr,
            token_ids: &self.token_ids,
            logprobs: &self.logprobs,
            claimed: &self.claimed,
            ..Arrays::default()
        }
    }
}

fn bits(scores: &SampledScores) -> Vec<u32> {
    let columns =
        [&scores.prob, &scores.margin, &scores.margin_bound, &scores.logit_rank, &scores.gumbel_rank, &scores.surprise];
    let flags = scores.exact_match.iter().map(|&m| u32::from(m)).chain(scores.status.iter().map(|&s| u32::from(s)));
    let percentiles = scores.percentile.iter().flatten().map(|value| value.to_bits());
    let rivals = scores.rival_possible.iter().flatten().map(|&rival| u32::from(rival));
    columns.into_iter().flatten().map(|value| value.to_bits()).chain(flags).chain(percentiles).chain(rivals).collect()
}

#[test]
fn scores_are_the_same_on_any_number_of_threads() {
    let (rows, keys) = (Rows::new(), keys());
    let on_threads = |threads: usize, stream: Stream, rule| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let batch = TopKBatch::new(rows.arrays()).expect("a valid batch");
        let replay = Replay { stream, keys: &keys, tail: None };
        bits(&pool.install(|| score_sampled(&batch, &filters(rule), Some(&replay))).expect("scores"))
    };
    for stream in streams() {
        for rule in RULES {
            let one = on_threads(1, stream, rule);
            assert_eq!(one, on_threads(2, stream, rule), "{stream:?}");
            assert_eq!(one, on_threads(7, stream, rule), "{stream:?}");
        }
    }
}

#[test]
fn percentiles_are_the_same_on_any_number_of_threads_and_only_without_replay() {
    let rows = Rows::new();
    let offsets = [0, 1_000, 1_000, 2_500, POSITIONS as i64];
    let on_threads = |threads: usize, rule| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let arrays = Arrays { sequence_indptr: Some(&offsets), ..rows.arrays() };
        let batch = TopKBatch::new(arrays).expect("a valid batch");
        pool.install(|| score_sampled(&batch, &filters(rule), None)).expect("scores")
    };
    for rule in RULES {
        let one = on_threads(1, rule);
        let known = one.percentile.iter().flatten().filter(|value| (0.0..=1.0).contains(*value)).count();
        assert!(known > POSITIONS / 2, "{rule:?}: {known}");
        assert_eq!(bits(&one), bits(&on_threads(2, rule)), "{rule:?}");
        assert_eq!(bits(&one), bits(&on_threads(7, rule)), "{rule:?}");
    }
    let (keys, stream) = (keys(), streams()[0]);
    let batch = TopKBatch::new(rows.arrays()).expect("a valid batch");
    let replay = Replay { stream, keys: &keys, tail: None };
    let replayed = score_sampled(&batch, &filters(FilterRule::Vllm), Some(&replay)).expect("scores");
    assert_eq!(replayed.percentile, None);
}

#[test]
fn tokens_are_scored_and_filtered_under_every_stream() {
    let (rows, keys) = (Rows::new(), keys());
    let batch = TopKBatch::new(rows.arrays()).expect("a valid batch");
    for stream in streams() {
        let replay = Replay { stream, keys: &keys, tail: None };
        let scores = score_sampled(&batch, &filters(FilterRule::Vllm), Some(&replay)).expect("scores");
        for status in [Status::Scored, Status::Filtered] {
            assert!(scores.status.contains(&(status as u8)), "{stream:?}: {status:?}");
        }
        assert!(scores.exact_match.contains(&true), "{stream:?}");
    }
}

#[test]
fn wrong_requests_are_named() {
    let (rows, keys) = (Rows::new(), keys());
    let batch = TopKBatch::new(rows.arrays()).expect("a valid batch");
    let sizes = |vocab_size| Sizes {
        vocab_size,
        batch_size: 1,
        gpu: Gpu { multiprocessors: 1, threads_per_multiprocessor: 256 },
    };
    let score = |vocab_size, keys: &[RowKey], tail| {
        let stream = Stream::named("torch-cpu", "", sizes(vocab_size)).expect("sizes");
        score_sampled(&batch, &filters(FilterRule::Vllm), Some(&Replay { stream, keys, tail })).expect_err("an error")
    };

    assert_eq!(score(VOCAB_SIZE, &keys[1..], None), SamplingError::Keys { keys: POSITIONS - 1, positions: POSITIONS });
    assert!(matches!(score(50, &keys, None), SamplingError::Stream(StreamError::IdOutOfRange { vocab_size: 50, .. })));
    for (temperature, top_p, min_p, name) in [
        (0.0, 1.0, 0.0, "temperature"),
        (f64::NAN, 1.0, 0.0, "temperature"),
        (1.0, 0.0, 0.0, "top_p"),
        (1.0, 1.0, 1.5, "min_p"),
    ] {
        let error = Filters::new(temperature, 0, top_p, min_p, FilterRule::Vllm).expect_err("out of range");
        assert!(error.to_string().starts_with(name), "{error}");
    }
}
