//! Logits to logprobs.

use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use crate::error::OrValueError;

type Columns<'py> =
    (Bound<'py, PyArray1<f32>>, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray2<i64>>, Bound<'py, PyArray2<f32>>);

#[pyfunction]
#[pyo3(signature = (logits, token_ids, top, /))]
pub(crate) fn logprob_rows<'py>(
    py: Python<'py>,
    logits: PyReadonlyArray2<'py, f32>,
    token_ids: PyReadonlyArray1<'py, i64>,
    top: usize,
) -> PyResult<Columns<'py>> {
    let width = logits.shape()[1];
    let (logits, token_ids) = (logits.as_slice()?, token_ids.as_slice()?);
    let rows = py.detach(|| token_difr_core::logprob_rows(logits, width, token_ids, top)).or_value_error()?;
    let shape = [token_ids.len(), top.min(width)];
    Ok((
        rows.logprobs.into_pyarray(py),
        rows.ranks.into_pyarray(py),
        rows.top_ids.into_pyarray(py).reshape(shape)?,
        rows.top_logprobs.into_pyarray(py).reshape(shape)?,
    ))
}

#[pyfunction]
#[pyo3(signature = (logits, /))]
pub(crate) fn log_normalizers<'py>(
    py: Python<'py>,
    logits: PyReadonlyArray2<'py, f32>,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let width = logits.shape()[1];
    let logits = logits.as_slice()?;
    Ok(py.detach(|| token_difr_core::log_normalizers(logits, width)).or_value_error()?.into_pyarray(py))
}
