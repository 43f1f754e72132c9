//! Requests for noise: which row of a stream, and the checks that make everything after them infallible.

use rayon::prelude::*;

use super::torch_cpu::RowRequest;
use super::{Stream, StreamError};

/// Rows below which another thread costs more than it saves.
const ROWS_PER_THREAD: usize = 256;

/// Steps of a sequential stream, which would take years to pass over whatever a caller may ask for by mistake.
const LONGEST_OUTPUT: u64 = 1 << 24;

/// Where a row stands in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RowKey {
    /// The request's seed.
    pub seed: u64,
    /// Position or output step: see [`Stream::keyed_by`].
    pub position: u64,
    /// Row of the engine's batch; 0 unless the stream's batch size is above 1.
    pub batch_row: u32,
}

impl RowKey {
    /// A row of a stream without batches.
    #[must_use]
    pub const fn new(seed: u64, position: u64) -> Self {
        Self { seed, position, batch_row: 0 }
    }
}

/// One slot an id.
pub(super) fn check_lengths(ids: &[u32], out: &[f64]) -> Result<(), StreamError> {
    if ids.len() == out.len() { Ok(()) } else { Err(StreamError::LengthMismatch { ids: ids.len(), out: out.len() }) }
}

/// Whether `stream` has the row and the ids; `start` is the index of `ids[0]` in the caller's array.
pub(super) fn check_row(stream: &Stream, key: RowKey, ids: &[u32], start: usize) -> Result<(), StreamError> {
    let (batch_row, batch_size) = (key.batch_row, stream.batch_size());
    if batch_row >= batch_size {
        return Err(StreamError::BatchRowOutOfRange { batch_row, batch_size });
    }
    let reachable = match stream {
        Stream::TorchCuda(stream) => stream.reaches(key.position),
        Stream::TorchCpu(_) | Stream::TorchCpuMkl(_) => key.position < LONGEST_OUTPUT,
        _ => true,
    };
    if !reachable {
        return Err(StreamError::StepOutOfRange { step: key.position });
    }
    let Some(vocab_size) = stream.vocab_size() else { return Ok(()) };
    match ids.iter().position(|&id| id >= vocab_size) {
        Some(place) => Err(StreamError::IdOutOfRange { position: start + place, id: ids[place], vocab_size }),
        None => Ok(()),
    }
}

/// A request for one row.
pub(super) fn request<'a>(key: RowKey, ids: &'a [u32], out: &'a mut [f64]) -> RowRequest<'a> {
    RowRequest { seed: key.seed, step: key.position, batch_row: key.batch_row, ids, out }
}

fn key_of(request: &RowRequest<'_>) -> RowKey {
    RowKey { seed: request.seed, position: request.step, batch_row: request.batch_row }
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
        requests.push(request(key, row, head));
        (start, out) = (end, tail);
    }
    if start == ids.len() { Ok(requests) } else { Err(wrong(keys.len())) }
}

/// Check every request in order, so that the first wrong one is named.
pub(super) fn check_rows(stream: &Stream, requests: &[RowRequest<'_>]) -> Result<(), StreamError> {
    let mut start = 0;
    for request in requests {
        check_row(stream, key_of(request), request.ids, start)?;
        start += request.ids.len();
    }
    Ok(())
}

/// Run `fill` on every request, in parallel, each into its own slots.
pub(super) fn for_each_row(requests: &mut [RowRequest<'_>], fill: impl Fn(RowKey, &[u32], &mut [f64]) + Sync) {
    requests.par_iter_mut().with_min_len(ROWS_PER_THREAD).for_each(|row| fill(key_of(row), row.ids, row.out));
}
