//! The size of JSON documents in parts.

use pyo3::prelude::*;

#[pyfunction]
#[pyo3(signature = (document, /))]
pub(crate) fn json_parts(py: Python<'_>, document: &[u8]) -> (usize, usize) {
    let parts = py.detach(|| token_difr_core::json_parts(document));
    (parts.objects, parts.further_values)
}
