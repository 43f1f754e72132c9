//! The checks that a batch passes once.
//!
//! Rows are checked in tasks of a few hundred kilobytes, every pass over a task reading from cache; the first wrong
//! place in the order of positions is reported.

use std::ops::Range;

use rayon::prelude::*;

use super::arrays::{Arrays, CLAIMED_TOLERANCE, LARGEST_LOGPROB, UNRESOLVED, offsets};
use super::duplicates::DuplicateFinder;
use super::order::are_sorted;
use super::row::Row;
use crate::error::{Error, Result};

/// Entries that are checked as one task, about: 64 KB in each of the two arrays.
const TASK_ENTRIES: usize = 4 * 1024;

/// What the checks found out by the way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report {
    /// Every row is sorted already.
    pub(super) sorted: bool,
    /// Rows with too much mass; counted only where the rows are sorted.
    pub(super) improper_rows: usize,
}

/// Lengths that contradict each other.
pub(super) fn lengths(arrays: &Arrays<'_>) -> Result<()> {
    let positions = arrays.indptr.len().checked_sub(1).ok_or(Error::NoOffsets { array: "indptr" })?;
    same_length("logprobs", arrays.logprobs.len(), "token_ids", arrays.token_ids.len())?;
    let columns = [
        ("claimed", Some(arrays.claimed.len())),
        ("claimed_logprob", arrays.claimed_logprob.map(<[f32]>::len)),
        ("claimed_rank", arrays.claimed_rank.map(<[i32]>::len)),
    ];
    for (array, length) in columns {
        same_length(array, length.unwrap_or(positions), "indptr", positions)?;
    }
    Ok(())
}

/// Lengths, and offsets that start, end or move where they must not.
pub(super) fn shapes(arrays: &Arrays<'_>) -> Result<()> {
    lengths(arrays)?;
    check_offsets("indptr", arrays.indptr, "token_ids", arrays.token_ids.len())?;
    let mut sequences = 1;
    if let Some(indptr) = arrays.sequence_indptr {
        check_offsets("sequence_indptr", indptr, "claimed", arrays.claimed.len())?;
        sequences = indptr.len() - 1;
    }
    let Some(prompt_lengths) = arrays.prompt_lengths else { return Ok(()) };
    same_length("prompt_lengths", prompt_lengths.len(), "sequence_indptr", sequences)?;
    match prompt_lengths.iter().position(|&length| length < 0) {
        Some(sequence) => Err(Error::PromptLength { sequence, value: prompt_lengths[sequence] }),
        None => Ok(()),
    }
}

fn same_length(array: &'static str, length: usize, other: &'static str, expected: usize) -> Result<()> {
    if length == expected { Ok(()) } else { Err(Error::Length { array, length, other, expected }) }
}

fn check_offsets(array: &'static str, indptr: &[i64], target: &'static str, length: usize) -> Result<()> {
    let (Some(&first), Some(&last)) = (indptr.first(), indptr.last()) else { return Err(Error::NoOffsets { array }) };
    if first != 0 {
        return Err(Error::OffsetsStart { array, first });
    }
    if let Some(i) = indptr.windows(2).position(|pair| pair[1] < pair[0]) {
        return Err(Error::OffsetsDecrease { array, index: i + 1, previous: indptr[i], value: indptr[i + 1] });
    }
    if usize::try_from(last) == Ok(length) { Ok(()) } else { Err(Error::OffsetsEnd { array, last, target, length }) }
}

/// Values, ids and claimed tokens of every row. The offsets must have been checked.
pub(super) fn rows(arrays: &Arrays<'_>) -> Result<Report> {
    let rows = arrays.claimed.len();
    let rows_a_task = (TASK_ENTRIES * rows / arrays.token_ids.len().max(1)).clamp(1, TASK_ENTRIES);
    let tasks = 0..rows.div_ceil(rows_a_task);
    let reports: Vec<Result<Report>> = tasks
        .into_par_iter()
        .map_init(DuplicateFinder::new, |duplicates, task| {
            task_of_rows(arrays, task * rows_a_task..rows.min((task + 1) * rows_a_task), duplicates)
        })
        .collect();
    let clean = Report { sorted: true, improper_rows: 0 };
    reports.into_iter().try_fold(clean, |all, task| {
        let Report { sorted, improper_rows } = task?;
        Ok(Report { sorted: all.sorted && sorted, improper_rows: all.improper_rows + improper_rows })
    })
}

fn task_of_rows(arrays: &Arrays<'_>, rows: Range<usize>, duplicates: &mut DuplicateFinder) -> Result<Report> {
    let sorted = are_sorted(&arrays.indptr[rows.start..=rows.end], arrays.token_ids, arrays.logprobs);
    let mut improper_rows = 0;
    for position in rows {
        let row = Row::get(arrays, arrays.token_ids, arrays.logprobs, position);
        // The first value of a sorted row is the largest, and no other can be NaN.
        let checked = if sorted { 1 } else { row.logprobs.len() };
        for (k, &value) in row.logprobs.iter().take(checked).enumerate() {
            check_logprob("logprobs", value, position, offsets(arrays.indptr, position).start + k)?;
        }
        if let Some(token_id) = duplicates.find(row.token_ids) {
            return Err(Error::DuplicateId { position, token_id });
        }
        check_claimed(&row, position, arrays.contiguous)?;
        improper_rows += usize::from(sorted && row.is_improper());
    }
    Ok(Report { sorted, improper_rows })
}

#[inline]
fn check_logprob(array: &'static str, value: f32, position: usize, index: usize) -> Result<()> {
    if value <= LARGEST_LOGPROB {
        Ok(())
    } else if value < f32::INFINITY {
        Err(Error::LooksLikeLogit { array, index, position, value })
    } else {
        Err(Error::NotALogprob { array, index, position, value })
    }
}

#[inline]
fn check_claimed(row: &Row<'_>, position: usize, contiguous: bool) -> Result<()> {
    if row.claimed == UNRESOLVED {
        return Err(Error::ClaimedUnresolved { position });
    }
    if row.claimed_rank() < -1 {
        return Err(Error::ClaimedRank { position, value: row.claimed_rank() });
    }
    if row.claimed_logprob().is_nan() {
        return Ok(());
    }
    check_logprob("claimed_logprob", row.claimed_logprob(), position, position)?;
    if contiguous { check_claimed_below_row(row, position) } else { Ok(()) }
}

/// A row that lacks the claimed token lies above it, unless one of its unresolved entries may be that token.
fn check_claimed_below_row(row: &Row<'_>, position: usize) -> Result<()> {
    if row.find_claimed().is_some() {
        return Ok(());
    }
    let lowest = row.logprobs.iter().copied().fold(f32::INFINITY, f32::min);
    if row.claimed_logprob() > lowest + CLAIMED_TOLERANCE && !row.token_ids.contains(&UNRESOLVED) {
        let (token_id, value) = (row.claimed, row.claimed_logprob());
        return Err(Error::ClaimedAboveRow { position, token_id, value, lowest });
    }
    Ok(())
}
