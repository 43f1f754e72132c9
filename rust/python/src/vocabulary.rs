//! The table of token strings.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use token_difr_core::Form;

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

    #[pyo3(signature = (strings, claimed=None, /, *, one_answer=false))]
    fn resolve<'py>(
        &self,
        py: Python<'py>,
        strings: Vec<PyBackedStr>,
        claimed: Option<PyReadonlyArray1<'py, u32>>,
        one_answer: bool,
    ) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let claimed = claimed.as_ref().map(PyReadonlyArray1::as_slice).transpose()?;
        let resolved = py.detach(|| {
            let form = if one_answer { self.table.form_of(&strings) } else { Form::Unknown };
            self.table.resolve(&strings, claimed, form)
        });
        Ok(resolved.into_pyarray(py))
    }

    fn __len__(&self) -> usize {
        self.table.len()
    }
}
