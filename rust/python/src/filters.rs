//! What the provider was told to filter, and by whose rule.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict};
use token_difr_core::FilterRule;

use crate::error::OrValueError;

#[pyclass(frozen, module = "token_difr._core")]
pub(crate) struct Filters {
    pub(crate) filters: token_difr_core::Filters,
}

#[pymethods]
impl Filters {
    #[new]
    #[pyo3(signature = (rule, /, *, temperature, top_k, top_p, min_p))]
    fn new(rule: &str, temperature: f64, top_k: usize, top_p: f64, min_p: f64) -> PyResult<Self> {
        let known = FilterRule::named(rule)
            .ok_or_else(|| PyValueError::new_err(format!("no filter rule is called {rule:?}")))?;
        Ok(Self { filters: token_difr_core::Filters::new(temperature, top_k, top_p, min_p, known).or_value_error()? })
    }
}

#[pyclass(frozen, get_all, module = "token_difr._core")]
pub(crate) struct FilterFacts {
    order: (&'static str, &'static str, &'static str),
    keeps_ties: bool,
    draws_by_place: bool,
}

impl FilterFacts {
    fn of(rule: FilterRule) -> Self {
        let [first, second, third] = rule.order();
        Self { order: (first, second, third), keeps_ties: rule.keeps_ties(), draws_by_place: rule.draws_by_place() }
    }
}

#[pyfunction]
pub(crate) fn filter_rules(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    FilterRule::NAMED.map(|(name, rule)| (name, FilterFacts::of(rule))).into_py_dict(py)
}
