//! Answers of reference servers: bytes in, arrays out.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use token_difr_core::wire::{self, WireRows};

use crate::error::OrValueError;
use crate::vocabulary::Vocabulary;

type Array<T> = Py<PyArray1<T>>;

#[pyclass(frozen, get_all, module = "token_difr._core")]
pub(crate) struct Rows {
    indptr: Array<i64>,
    token_ids: Array<u32>,
    logprobs: Array<f32>,
    claimed_logprob: Array<f32>,
    claimed_rank: Array<i32>,
    contiguous: bool,
}

#[pymethods]
impl Rows {
    #[new]
    #[pyo3(signature = (*, indptr, token_ids, logprobs, claimed_logprob, claimed_rank, contiguous=true))]
    fn new(
        indptr: Array<i64>,
        token_ids: Array<u32>,
        logprobs: Array<f32>,
        claimed_logprob: Array<f32>,
        claimed_rank: Array<i32>,
        contiguous: bool,
    ) -> Self {
        Self { indptr, token_ids, logprobs, claimed_logprob, claimed_rank, contiguous }
    }
}

impl Rows {
    fn of(py: Python<'_>, rows: WireRows) -> Self {
        Self {
            indptr: rows.indptr.into_pyarray(py).unbind(),
            token_ids: rows.token_ids.into_pyarray(py).unbind(),
            logprobs: rows.logprobs.into_pyarray(py).unbind(),
            claimed_logprob: rows.claimed_logprob.into_pyarray(py).unbind(),
            claimed_rank: rows.claimed_rank.into_pyarray(py).unbind(),
            contiguous: rows.contiguous,
        }
    }
}

/// What was asked for, borrowed by its attributes' names.
#[derive(FromPyObject)]
pub(crate) struct Asked<'py> {
    sent: PyReadonlyArray1<'py, u32>,
    prompt_length: usize,
    topk: usize,
    first: usize,
    vocabulary: Option<PyRef<'py, Vocabulary>>,
}

#[pyfunction]
#[pyo3(signature = (form, body, asked, /))]
pub(crate) fn parse<'py>(py: Python<'py>, form: &str, body: &[u8], asked: Asked<'py>) -> PyResult<Rows> {
    let asked = wire::Asked {
        sent: asked.sent.as_slice()?,
        prompt_length: asked.prompt_length,
        topk: asked.topk,
        first: asked.first,
        vocabulary: asked.vocabulary.as_ref().map(|given| &given.table),
    };
    let rows = py.detach(|| wire::parse(form, body, asked)).or_value_error()?;
    Ok(Rows::of(py, rows))
}
