//! Requests for noise: cutting them into rows, and the checks that make everything after them infallible.

use super::error::StreamError;
use super::row::{RowKey, RowRequest};
use super::rule::Noise;

/// One slot an id.
pub(super) fn check_lengths(ids: &[u32], out: &[f64]) -> Result<(), StreamError> {
    if ids.len() == out.len() { Ok(()) } else { Err(StreamError::LengthMismatch { ids: ids.len(), out: out.len() }) }
}

/// Whether `stream` has the row and the ids; `start` is the index of `ids[0]` in the caller's array.
pub(super) fn check_row(stream: &dyn Noise, key: RowKey, ids: &[u32], start: usize) -> Result<(), StreamError> {
    let (batch_row, batch_size) = (key.batch_row, stream.batch_size());
    if batch_row >= batch_size {
        return Err(StreamError::BatchRowOutOfRange { batch_row, batch_size });
    }
    if !stream.reaches(key.position) {
        return Err(StreamError::StepOutOfRange { step: key.position });
    }
    let Some(vocab_size) = stream.vocab_size() else { return Ok(()) };
    match ids.iter().position(|&id| id >= vocab_size) {
        Some(place) => Err(StreamError::IdOutOfRange { position: start + place, id: ids[place], vocab_size }),
        None => Ok(()),
    }
}

/// Check every request in order, so that the first wrong one is named.
pub(super) fn check_rows(stream: &dyn Noise, requests: &[RowRequest<'_>]) -> Result<(), StreamError> {
    let mut start = 0;
    for request in requests {
        check_row(stream, request.key, request.ids, start)?;
        start += request.ids.len();
    }
    Ok(())
}

/// Cut `ids` and `out`, which are equally long, into one request a key.
pub(super) fn split<'a>(
    keys: &[RowKey],
    indptr: &[i64],
    ids: &'a [u32],
    mut out: &'a mut [f64],
) -> Result<Vec<RowRequest<'a>>, StreamError> {
    let wrong = |position| StreamError::Offsets { position, rows: keys.len(), ids: ids.len() };
    let Some((0, ends)) = indptr.split_first() else { return Err(wrong(0)) };
    if ends.len() != keys.len() {
        return Err(wrong(indptr.len().min(keys.len() + 1)));
    }
    let mut start = 0;
    let mut requests = Vec::with_capacity(keys.len());
    for (j, (&key, &end)) in keys.iter().zip(ends).enumerate() {
        let end = usize::try_from(end).map_err(|_| wrong(j + 1))?;
        let row = ids.get(start..end).ok_or_else(|| wrong(j + 1))?;
        let (head, tail) = out.split_at_mut(row.len());
        requests.push(RowRequest { key, ids: row, out: head });
        (start, out) = (end, tail);
    }
    if start == ids.len() { Ok(requests) } else { Err(wrong(keys.len())) }
}
