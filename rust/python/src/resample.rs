//! The deals of permutation tests.

use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::error::OrValueError;

#[pyfunction]
pub(crate) fn shuffled_sums<'py>(
    py: Python<'py>,
    table: PyReadonlyArray2<'py, f64>,
    chosen: usize,
    first: usize,
    deals: usize,
    seed: u64,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let columns = table.shape()[1];
    let table = table.as_slice()?;
    let range = first..first.saturating_add(deals);
    let sums = py.detach(|| token_difr_core::shuffled_sums(table, columns, chosen, range, seed)).or_value_error()?;
    sums.into_pyarray(py).reshape([deals, columns])
}

#[pyfunction]
pub(crate) fn swapped_sums<'py>(
    py: Python<'py>,
    table: PyReadonlyArray2<'py, f64>,
    first: usize,
    deals: usize,
    seed: u64,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let columns = table.shape()[1];
    let table = table.as_slice()?;
    let range = first..first.saturating_add(deals);
    let sums = py.detach(|| token_difr_core::swapped_sums(table, columns, range, seed)).or_value_error()?;
    sums.into_pyarray(py).reshape([deals, columns])
}
