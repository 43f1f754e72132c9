//! Answers of reference servers: bytes in, arrays out.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use token_difr_core::wire::{self, Asked, WireError, WireRows};

use crate::vocabulary::Vocabulary;

type I64<'py> = Bound<'py, PyArray1<i64>>;
type U32<'py> = Bound<'py, PyArray1<u32>>;
type F32<'py> = Bound<'py, PyArray1<f32>>;
type Rows<'py> = (I64<'py>, U32<'py>, F32<'py>, F32<'py>, Bound<'py, PyArray1<i32>>, bool);

fn hand_over(py: Python<'_>, rows: Result<WireRows, WireError>) -> PyResult<Rows<'_>> {
    let rows = rows.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok((
        rows.indptr.into_pyarray(py),
        rows.token_ids.into_pyarray(py),
        rows.logprobs.into_pyarray(py),
        rows.claimed_logprob.into_pyarray(py),
        rows.claimed_rank.into_pyarray(py),
        rows.contiguous,
    ))
}

#[pyfunction]
#[pyo3(signature = (body, sent, prompt_length, topk, /))]
pub(crate) fn parse_vllm<'py>(
    py: Python<'py>,
    body: &[u8],
    sent: PyReadonlyArray1<'py, u32>,
    prompt_length: usize,
    topk: usize,
) -> PyResult<Rows<'py>> {
    let asked = Asked { sent: sent.as_slice()?, prompt_length, topk, first: 0 };
    let rows = py.detach(|| wire::parse_vllm(body, asked));
    hand_over(py, rows)
}

#[pyfunction]
#[pyo3(signature = (body, sent, prompt_length, topk, /))]
pub(crate) fn parse_sglang<'py>(
    py: Python<'py>,
    body: &[u8],
    sent: PyReadonlyArray1<'py, u32>,
    prompt_length: usize,
    topk: usize,
) -> PyResult<Rows<'py>> {
    let asked = Asked { sent: sent.as_slice()?, prompt_length, topk, first: 0 };
    let rows = py.detach(|| wire::parse_sglang(body, asked));
    hand_over(py, rows)
}

#[pyfunction]
#[pyo3(signature = (body, sent, prompt_length, topk, first, vocabulary, /))]
pub(crate) fn parse_content<'py>(
    py: Python<'py>,
    body: &[u8],
    sent: PyReadonlyArray1<'py, u32>,
    prompt_length: usize,
    topk: usize,
    first: usize,
    vocabulary: Option<&Vocabulary>,
) -> PyResult<Rows<'py>> {
    let asked = Asked { sent: sent.as_slice()?, prompt_length, topk, first };
    let vocabulary = vocabulary.map(|given| &given.table);
    let rows = py.detach(|| wire::parse_content(body, asked, vocabulary));
    hand_over(py, rows)
}

#[pyfunction]
#[pyo3(signature = (body, sent, prompt_length, topk, first, vocabulary, /))]
pub(crate) fn parse_legacy<'py>(
    py: Python<'py>,
    body: &[u8],
    sent: PyReadonlyArray1<'py, u32>,
    prompt_length: usize,
    topk: usize,
    first: usize,
    vocabulary: Option<&Vocabulary>,
) -> PyResult<Rows<'py>> {
    let asked = Asked { sent: sent.as_slice()?, prompt_length, topk, first };
    let vocabulary = vocabulary.map(|given| &given.table);
    let rows = py.detach(|| wire::parse_legacy(body, asked, vocabulary));
    hand_over(py, rows)
}

#[pyfunction]
#[pyo3(signature = (body, claimed, topk, vocabulary, /))]
pub(crate) fn parse_next_token<'py>(
    py: Python<'py>,
    body: &[u8],
    claimed: u32,
    topk: usize,
    vocabulary: Option<&Vocabulary>,
) -> PyResult<Rows<'py>> {
    let vocabulary = vocabulary.map(|given| &given.table);
    let rows = py.detach(|| wire::parse_next_token(body, claimed, topk, vocabulary));
    hand_over(py, rows)
}
