//! The cluster bootstrap.

use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::error::OrValueError;

#[pyfunction]
pub(crate) fn cluster_bootstrap<'py>(
    py: Python<'py>,
    numerators: PyReadonlyArray2<'py, f64>,
    denominators: PyReadonlyArray2<'py, f64>,
    resamples: usize,
    seed: u64,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let statistics = numerators.shape()[1];
    let (numerators, denominators) = (numerators.as_slice()?, denominators.as_slice()?);
    let ratios = py
        .detach(|| token_difr_core::cluster_bootstrap(numerators, denominators, statistics, resamples, seed))
        .or_value_error()?;
    ratios.into_pyarray(py).reshape([resamples, statistics])
}
