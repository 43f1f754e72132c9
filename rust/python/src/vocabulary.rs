//! The table of token strings.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

#[pyclass(frozen, module = "token_difr._core")]
pub(crate) struct Vocabulary {
    pub(crate) table: token_difr_core::Vocabulary,
}

#[pymethods]
impl Vocabulary {
    #[new]
    fn new(py: Python<'_>, pieces: Vec<String>, texts: Vec<String>, added: Vec<bool>, byte_level: bool) -> Self {
        Self { table: py.detach(|| token_difr_core::Vocabulary::new(&pieces, &texts, &added, byte_level)) }
    }

    #[pyo3(signature = (strings, claimed=None, /))]
    fn resolve<'py>(
        &self,
        py: Python<'py>,
        strings: Vec<PyBackedStr>,
        claimed: Option<PyReadonlyArray1<'py, u32>>,
    ) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let claimed = claimed.as_ref().map(PyReadonlyArray1::as_slice).transpose()?;
        Ok(py.detach(|| self.table.resolve(&strings, claimed)).into_pyarray(py))
    }

    fn __len__(&self) -> usize {
        self.table.len()
    }
}
