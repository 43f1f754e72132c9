//! Batches: borrowing the arrays of a Python `TopKBatch`, and checking them once.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use token_difr_core::{Arrays, TopKBatch};

use crate::error::OrValueError;

/// The arrays of a Python `TopKBatch`, borrowed by its attributes' names.
#[derive(FromPyObject)]
pub(crate) struct BatchArrays<'py> {
    indptr: PyReadonlyArray1<'py, i64>,
    token_ids: PyReadonlyArray1<'py, u32>,
    logprobs: PyReadonlyArray1<'py, f32>,
    claimed: PyReadonlyArray1<'py, u32>,
    claimed_logprob: PyReadonlyArray1<'py, f32>,
    claimed_rank: PyReadonlyArray1<'py, i32>,
    sequence_indptr: PyReadonlyArray1<'py, i64>,
    prompt_lengths: Option<PyReadonlyArray1<'py, i64>>,
    contiguous: bool,
    /// As `check_topk` counted them.
    pub(crate) improper_rows: usize,
}

impl BatchArrays<'_> {
    /// The slices of the arrays.
    pub(crate) fn slices(&self) -> PyResult<Arrays<'_>> {
        Ok(Arrays {
            indptr: self.indptr.as_slice()?,
            token_ids: self.token_ids.as_slice()?,
            logprobs: self.logprobs.as_slice()?,
            claimed: self.claimed.as_slice()?,
            claimed_logprob: Some(self.claimed_logprob.as_slice()?),
            claimed_rank: Some(self.claimed_rank.as_slice()?),
            sequence_indptr: Some(self.sequence_indptr.as_slice()?),
            prompt_lengths: self.prompt_lengths.as_ref().map(PyReadonlyArray1::as_slice).transpose()?,
            contiguous: self.contiguous,
        })
    }
}

type Sorted<'py> = Option<(Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<f32>>)>;

#[pyfunction]
#[pyo3(signature = (batch, /))]
pub(crate) fn check_topk<'py>(py: Python<'py>, batch: BatchArrays<'py>) -> PyResult<(usize, Sorted<'py>)> {
    let arrays = batch.slices()?;
    let (improper_rows, sorted) = py
        .detach(|| TopKBatch::new(arrays).map(|batch| (batch.improper_rows(), batch.into_sorted())))
        .or_value_error()?;
    Ok((improper_rows, sorted.map(|(token_ids, logprobs)| (token_ids.into_pyarray(py), logprobs.into_pyarray(py)))))
}
