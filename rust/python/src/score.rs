//! Scores: one value a position in each column.

use numpy::{Element, IntoPyArray, PyArray1};
use pyo3::prelude::*;
use token_difr_core::{Replay, SampledScores, Scores, TopKBatch};

use crate::batch::BatchArrays;
use crate::error::OrValueError;
use crate::filters::Filters;
use crate::stream::{Keys, Stream};

type Column<T> = Py<PyArray1<T>>;

#[pyclass(frozen, get_all, module = "token_difr._core")]
pub(crate) struct ScoreColumns {
    exact_match: Column<bool>,
    prob: Column<f32>,
    margin: Column<f32>,
    margin_bound: Column<f32>,
    logit_rank: Column<f32>,
    gumbel_rank: Column<f32>,
    surprise: Option<Column<f32>>,
    status: Column<u8>,
    percentile: Option<Column<f32>>,
    rival_possible: Option<Column<bool>>,
}

fn column<T: Element>(py: Python<'_>, values: Vec<T>) -> Column<T> {
    values.into_pyarray(py).unbind()
}

impl ScoreColumns {
    fn of_greedy(py: Python<'_>, scores: Scores) -> Self {
        let logit_rank = column(py, scores.logit_rank);
        Self {
            exact_match: column(py, scores.exact_match),
            prob: column(py, scores.prob),
            margin: column(py, scores.margin),
            margin_bound: column(py, scores.margin_bound),
            // Without noise the two ranks are one.
            gumbel_rank: logit_rank.clone_ref(py),
            logit_rank,
            surprise: None,
            status: column(py, scores.status),
            percentile: None,
            rival_possible: None,
        }
    }

    fn of_sampled(py: Python<'_>, scores: SampledScores) -> Self {
        Self {
            exact_match: column(py, scores.exact_match),
            prob: column(py, scores.prob),
            margin: column(py, scores.margin),
            margin_bound: column(py, scores.margin_bound),
            logit_rank: column(py, scores.logit_rank),
            gumbel_rank: column(py, scores.gumbel_rank),
            surprise: Some(column(py, scores.surprise)),
            status: column(py, scores.status),
            percentile: scores.percentile.map(|values| column(py, values)),
            rival_possible: scores.rival_possible.map(|flags| column(py, flags)),
        }
    }
}

#[pyfunction]
#[pyo3(signature = (batch, /))]
pub(crate) fn score_greedy<'py>(py: Python<'py>, batch: BatchArrays<'py>) -> PyResult<ScoreColumns> {
    let (arrays, improper_rows) = (batch.slices()?, batch.improper_rows);
    let checked = TopKBatch::assume_checked(arrays, improper_rows).or_value_error()?;
    let scores = py.detach(|| token_difr_core::score_greedy(&checked));
    Ok(ScoreColumns::of_greedy(py, scores))
}

#[pyfunction]
#[pyo3(signature = (batch, filters, /, *, stream=None, keys=None, tail=None))]
pub(crate) fn score_sampled<'py>(
    py: Python<'py>,
    batch: BatchArrays<'py>,
    filters: &Filters,
    stream: Option<&Stream>,
    keys: Option<Keys<'py>>,
    tail: Option<u32>,
) -> PyResult<ScoreColumns> {
    let (arrays, improper_rows) = (batch.slices()?, batch.improper_rows);
    let checked = TopKBatch::assume_checked(arrays, improper_rows).or_value_error()?;
    let keys = keys.as_ref().map(Keys::rows).transpose()?.unwrap_or_default();
    let replay = stream.map(|given| Replay { stream: given.stream, keys: &keys, tail });
    let scores = py.detach(|| token_difr_core::score_sampled(&checked, &filters.filters, replay.as_ref()));
    Ok(ScoreColumns::of_sampled(py, scores.or_value_error()?))
}
