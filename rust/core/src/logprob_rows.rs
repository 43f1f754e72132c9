//! Logits to logprobs: of one given token a position, its rank, and the likeliest tokens.
//!
//! ```text
//! z = fl32(m + fl32(ln of the sum of exp(l_v - m)))    m the largest logit; exp in float32, its sum in float64
//! logprob(v) = fl32(l_v - z);   rank(v) = number of ids whose logit is at least l_v
//! ```
//!
//! A row is read twice: once for the maxima of groups of columns, once for the sum. The k-th largest of those maxima
//! bounds the k-th largest value from below, so that only groups which reach it hold any of the top k; and only groups
//! whose maximum reaches the given token's logit count for its rank.
//!
//! A row with NaN or +inf, or with nothing but -inf, is no distribution: its logprobs are NaN, and NaN stands last.

#![expect(clippy::cast_possible_wrap, reason = "places in a row that lies in memory are far below 2^63")]

use std::cmp::Ordering;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::exp::exp_single;

/// Columns of a group: one cache line.
const GROUP: usize = 16;
/// Lanes of the sum: enough for the compiler to use the vector unit.
const LANES: usize = 16;
/// Values below which another thread costs more than it saves: some tenths of a millisecond.
const VALUES_PER_THREAD: usize = 1 << 18;

/// One row a position.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogprobRows {
    /// Logprob of the given token.
    pub logprobs: Vec<f32>,
    /// Its rank, from 1.
    pub ranks: Vec<i64>,
    /// The likeliest ids of each row, row after row: largest first, equal ones by ascending id.
    pub top_ids: Vec<i64>,
    /// Their logprobs.
    pub top_logprobs: Vec<f32>,
}

/// The rows of given tokens; a row has the `top` likeliest ids, or all of them where there are fewer.
///
/// # Arguments
/// * `logits`: `width` values a position, position after position.
/// * `token_ids`: The given token of each position.
///
/// # Errors
/// `Length`, where `logits` has not `width` values for each token; `TokenId` for a token that is not below `width`.
pub fn logprob_rows(logits: &[f32], width: usize, token_ids: &[i64], top: usize) -> Result<LogprobRows> {
    check_length(logits, width, token_ids.len())?;
    let given = token_ids.iter().enumerate().map(|(position, &id)| column(position, id, width));
    let given: Vec<usize> = given.collect::<Result<_>>()?;
    let top = top.min(width);
    let mut rows = LogprobRows {
        logprobs: vec![0.0; given.len()],
        ranks: vec![0; given.len()],
        top_ids: vec![0; given.len() * top],
        top_logprobs: vec![0.0; given.len() * top],
    };
    let tops = split(&mut rows.top_ids, top).zip(split(&mut rows.top_logprobs, top));
    let tokens = rows.logprobs.iter_mut().zip(&mut rows.ranks);
    let mut slots: Vec<_> = logits.chunks_exact(width).zip(given).zip(tokens.zip(tops)).collect();
    slots.par_iter_mut().with_min_len(rows_per_thread(width)).for_each_init(
        Scratch::default,
        |scratch, ((logits, given), ((logprob, rank), (ids, logprobs)))| {
            let normalizer = log_normalizer(logits, &mut scratch.maxima);
            **logprob = logits[*given] - normalizer;
            **rank = count_at_least(logits, &scratch.maxima, logits[*given]);
            scratch.order_top(logits, ids.len());
            for ((id, logprob), &(value, place)) in ids.iter_mut().zip(logprobs.iter_mut()).zip(&scratch.candidates) {
                (*id, *logprob) = (place as i64, value - normalizer);
            }
        },
    );
    Ok(rows)
}

/// z of each position: what is taken from its logits to make them logprobs.
///
/// # Errors
/// `Length`, where `logits` is no multiple of `width`.
pub fn log_normalizers(logits: &[f32], width: usize) -> Result<Vec<f32>> {
    check_length(logits, width, logits.len() / width.max(1))?;
    let rows = logits.par_chunks_exact(width).with_min_len(rows_per_thread(width));
    Ok(rows.map_init(Vec::new, |maxima, row| log_normalizer(row, maxima)).collect())
}

fn check_length(logits: &[f32], width: usize, rows: usize) -> Result<()> {
    let expected = rows * width;
    if width > 0 && logits.len() == expected {
        return Ok(());
    }
    Err(Error::Length { array: "logits", length: logits.len(), other: "rows of their width", expected })
}

fn column(position: usize, id: i64, width: usize) -> Result<usize> {
    let wrong = Error::TokenId { position, id, width };
    usize::try_from(id).ok().filter(|&id| id < width).ok_or(wrong)
}

fn rows_per_thread(width: usize) -> usize {
    VALUES_PER_THREAD / width + 1
}

/// Slices of `size`, without end where it is 0.
fn split<T>(values: &mut [T], size: usize) -> impl Iterator<Item = &mut [T]> {
    let empty = std::iter::repeat_with(<&mut [T]>::default).take(if size == 0 { usize::MAX } else { 0 });
    values.chunks_exact_mut(size.max(1)).chain(empty)
}

/// What a thread uses for one row after the other.
#[derive(Default)]
struct Scratch {
    /// The largest value of each group of columns.
    maxima: Vec<f32>,
    ordered: Vec<f32>,
    candidates: Vec<(f32, usize)>,
}

impl Scratch {
    /// The `top` largest values and their ids into `candidates`, in order, from a row whose `maxima` are known.
    fn order_top(&mut self, logits: &[f32], top: usize) {
        self.candidates.clear();
        if top == 0 {
            return;
        }
        let bound = self.lower_bound(top);
        for (group, (values, &largest)) in logits.chunks(GROUP).zip(&self.maxima).enumerate() {
            if largest >= bound {
                let reaching = values.iter().enumerate().filter(|&(_, &value)| value >= bound);
                self.candidates.extend(reaching.map(|(place, &value)| (value, group * GROUP + place)));
            }
        }
        if self.candidates.len() < top {
            self.candidates.clear();
            self.candidates.extend(logits.iter().copied().zip(0..));
        }
        if self.candidates.len() > top {
            self.candidates.select_nth_unstable_by(top - 1, larger_first);
            self.candidates.truncate(top);
        }
        self.candidates.sort_unstable_by(larger_first);
    }

    /// What at least `top` values of the row reach.
    fn lower_bound(&mut self, top: usize) -> f32 {
        if top > self.maxima.len() {
            return f32::NEG_INFINITY;
        }
        self.ordered.clone_from(&self.maxima);
        *self.ordered.select_nth_unstable_by(top - 1, |a, b| b.total_cmp(a)).1
    }
}

/// Descending by value, then by id; NaN last.
fn larger_first(a: &(f32, usize), b: &(f32, usize)) -> Ordering {
    let by_value = b.0.partial_cmp(&a.0).unwrap_or_else(|| a.0.is_nan().cmp(&b.0.is_nan()));
    by_value.then(a.1.cmp(&b.1))
}

/// z of a row, and the maxima of its groups.
fn log_normalizer(logits: &[f32], maxima: &mut Vec<f32>) -> f32 {
    let (groups, rest) = logits.as_chunks::<GROUP>();
    maxima.clear();
    maxima.extend(groups.iter().map(|group| largest(group)));
    maxima.extend((!rest.is_empty()).then(|| largest(rest)));
    let shift = largest(maxima);
    if !shift.is_finite() {
        return f32::NAN;
    }
    // NaN is no maximum, and comes to light in the sum.
    shift + sum_of_exps(logits, shift).ln() as f32
}

/// The largest of the values that are numbers; -inf where there are none.
fn largest(values: &[f32]) -> f32 {
    values.iter().fold(f32::NEG_INFINITY, |largest, &value| if value > largest { value } else { largest })
}

/// Sum of exp(l - shift), the terms in f32, their sum in f64.
fn sum_of_exps(logits: &[f32], shift: f32) -> f64 {
    let (blocks, rest) = logits.as_chunks::<LANES>();
    let mut lanes = [0.0_f64; LANES];
    for block in blocks {
        let terms = block.map(|logit| exp_single(logit - shift));
        for (lane, term) in lanes.iter_mut().zip(terms) {
            *lane += f64::from(term);
        }
    }
    let rest: f64 = rest.iter().map(|&logit| f64::from(exp_single(logit - shift))).sum();
    lanes.iter().sum::<f64>() + rest
}

/// Number of logits that are at least `value`.
fn count_at_least(logits: &[f32], maxima: &[f32], value: f32) -> i64 {
    let reaching = logits.chunks(GROUP).zip(maxima).filter(|&(_, &largest)| largest >= value);
    reaching.map(|(group, _)| group.iter().filter(|&&logit| logit >= value).count() as i64).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_the_definition(
            width in 1_usize..200, rows in 0_usize..5, top in 0_usize..40, steps in prop::option::of(1_u8..4), seed: u64,
        ) {
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let value = (state >> 40) as f32 / 8e5 - 10.0;
                steps.map_or(value, |steps| (value * f32::from(steps)).round() / f32::from(steps))
            };
            let logits: Vec<f32> = (0..width * rows).map(|_| next()).collect();
            let places: Vec<usize> = (0..rows).map(|row| row * 7 % width).collect();
            let ids: Vec<i64> = places.iter().map(|&place| place as i64).collect();
            let found = logprob_rows(&logits, width, &ids, top).expect("valid rows");
            let normalizers = log_normalizers(&logits, width).expect("valid rows");
            let top = top.min(width);
            for (row, values) in logits.chunks(width).enumerate() {
                let exact = values.iter().map(|&l| f64::from(l).exp()).sum::<f64>().ln();
                let given = values[places[row]];
                let mut order: Vec<usize> = (0..width).collect();
                order.sort_by(|&a, &b| values[b].partial_cmp(&values[a]).expect("numbers"));

                prop_assert!((f64::from(normalizers[row]) - exact).abs() < 3e-6);
                prop_assert_eq!(found.logprobs[row], given - normalizers[row]);
                prop_assert_eq!(found.ranks[row], values.iter().filter(|&&l| l >= given).count() as i64);
                for (place, &id) in order[..top].iter().enumerate() {
                    prop_assert_eq!(found.top_ids[row * top + place], id as i64);
                    prop_assert_eq!(found.top_logprobs[row * top + place], values[id] - normalizers[row]);
                }
            }
        }
    }

    #[test]
    fn what_is_no_distribution_is_nan_and_stands_last() {
        const NAN: f32 = f32::NAN;
        const INF: f32 = f32::INFINITY;
        for (row, order) in
            [([1.0, NAN, 2.0], [2, 0, 1]), ([INF, 0.0, 1.0], [0, 2, 1]), ([-INF; 3], [0, 1, 2]), ([NAN; 3], [0, 1, 2])]
        {
            let found = logprob_rows(&row, 3, &[0], 3).expect("a row");
            assert!(found.logprobs[0].is_nan() && found.top_logprobs.iter().all(|l| l.is_nan()), "{row:?}");
            assert_eq!(found.top_ids, order, "{row:?}");
        }
        let found = logprob_rows(&[0.0, -INF], 2, &[1], 2).expect("a row");
        assert_eq!((found.logprobs, found.top_logprobs), (vec![-INF], vec![0.0, -INF]));
    }

    #[test]
    fn wrong_requests_are_named() {
        let wrong_length =
            |length, expected| Error::Length { array: "logits", length, other: "rows of their width", expected };
        assert_eq!(logprob_rows(&[0.0; 5], 2, &[0, 1], 1), Err(wrong_length(5, 4)));
        assert_eq!(logprob_rows(&[], 0, &[0], 1), Err(wrong_length(0, 0)));
        assert_eq!(log_normalizers(&[0.0; 5], 2), Err(wrong_length(5, 4)));
        for id in [-1, 2] {
            let error = Error::TokenId { position: 1, id, width: 2 };
            assert_eq!(logprob_rows(&[0.0; 4], 2, &[0, id], 1), Err(error));
        }
    }
}
