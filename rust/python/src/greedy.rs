//! Scores at temperature 0.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use token_difr_core::TopKBatch;

use crate::batch::BatchArrays;
use crate::error::OrValueError;

type F32<'py> = Bound<'py, PyArray1<f32>>;
type Columns<'py> = (Bound<'py, PyArray1<bool>>, F32<'py>, F32<'py>, F32<'py>, F32<'py>, Bound<'py, PyArray1<u8>>);

#[pyfunction]
#[pyo3(signature = (batch, /))]
pub(crate) fn score_greedy<'py>(py: Python<'py>, batch: BatchArrays<'py>) -> PyResult<Columns<'py>> {
    let arrays = batch.slices()?;
    let improper_rows = batch.improper_rows;
    let scores = py
        .detach(|| TopKBatch::assume_checked(arrays, improper_rows).map(|batch| token_difr_core::score_greedy(&batch)))
        .or_value_error()?;
    Ok((
        scores.exact_match.into_pyarray(py),
        scores.prob.into_pyarray(py),
        scores.margin.into_pyarray(py),
        scores.margin_bound.into_pyarray(py),
        scores.logit_rank.into_pyarray(py),
        scores.status.into_pyarray(py),
    ))
}
