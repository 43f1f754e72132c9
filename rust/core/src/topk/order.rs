//! Are the rows sorted, and sorting them where they are not.

use std::cmp::Ordering;
use std::ops::Range;

use rayon::prelude::*;

use super::arrays::offsets;

/// Rows that are sorted as one task.
const ROWS: usize = 1024;

/// Whether each of the rows descends, equal values by ascending id. False if any but a row's first value is NaN.
///
/// Counts the neighbours that are out of order in all the rows together and takes off those that meet at the seam of
/// two rows: one pass that the compiler can vectorize, however short the rows are. `indptr` must be valid.
pub(super) fn are_sorted(indptr: &[i64], token_ids: &[u32], logprobs: &[f32]) -> bool {
    let rows = indptr.len().saturating_sub(1);
    let entries = offsets(indptr, 0).start..offsets(indptr, rows.saturating_sub(1)).end;
    let seams = (0..rows).map(|j| offsets(indptr, j)).filter(|row| !row.is_empty() && row.start > entries.start);
    let pair = |row: Range<usize>| row.start - 1..row.start + 1;
    let at_seams = seams.map(|row| count_disorder(&token_ids[pair(row.clone())], &logprobs[pair(row)])).sum();
    count_disorder(&token_ids[entries.clone()], &logprobs[entries]) == at_seams
}

/// Number of neighbours that do not descend.
#[inline]
fn count_disorder(token_ids: &[u32], logprobs: &[f32]) -> u32 {
    let next = logprobs.iter().zip(token_ids).skip(1);
    let pairs = logprobs.iter().zip(token_ids).zip(next);
    pairs.map(|((&l, &id), (&next_l, &next_id))| u32::from(!descends(l, id, next_l, next_id))).sum()
}

#[inline]
fn descends(l: f32, id: u32, next_l: f32, next_id: u32) -> bool {
    (l > next_l) | ((l == next_l) & (id <= next_id))
}

/// Copies of the two arrays with each row sorted by descending logprob, equal values by ascending id.
///
/// `indptr` must be valid.
pub(super) fn sorted_copies(indptr: &[i64], token_ids: &[u32], logprobs: &[f32]) -> (Vec<u32>, Vec<f32>) {
    let (mut sorted_ids, mut sorted_logprobs) = (vec![0; token_ids.len()], vec![0.0; logprobs.len()]);
    let (mut ids_left, mut logprobs_left) = (sorted_ids.as_mut_slice(), sorted_logprobs.as_mut_slice());
    let rows = indptr.len().saturating_sub(1);
    let mut tasks = Vec::with_capacity(rows.div_ceil(ROWS));
    for first in (0..rows).step_by(ROWS) {
        let last = rows.min(first + ROWS);
        let entries = offsets(indptr, first).start..offsets(indptr, last - 1).end;
        let (ids, ids_right) = std::mem::take(&mut ids_left).split_at_mut(entries.len());
        let (values, logprobs_right) = std::mem::take(&mut logprobs_left).split_at_mut(entries.len());
        (ids_left, logprobs_left) = (ids_right, logprobs_right);
        tasks.push((first..last, entries, ids, values));
    }
    tasks.into_par_iter().for_each(|(rows, entries, ids, values)| {
        ids.copy_from_slice(&token_ids[entries.clone()]);
        values.copy_from_slice(&logprobs[entries.clone()]);
        let mut scratch = Vec::new();
        for j in rows {
            let row = offsets(indptr, j);
            let row = row.start - entries.start..row.end - entries.start;
            sort_row(&mut ids[row.clone()], &mut values[row], &mut scratch);
        }
    });
    (sorted_ids, sorted_logprobs)
}

fn sort_row(token_ids: &mut [u32], logprobs: &mut [f32], scratch: &mut Vec<(f32, u32)>) {
    if count_disorder(token_ids, logprobs) == 0 {
        return;
    }
    scratch.clear();
    scratch.extend(logprobs.iter().copied().zip(token_ids.iter().copied()));
    scratch.sort_unstable_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal).then(a.1.cmp(&b.1)));
    for ((&(value, id), token_id), logprob) in scratch.iter().zip(token_ids).zip(logprobs) {
        (*token_id, *logprob) = (id, value);
    }
}
