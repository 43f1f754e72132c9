//! Scores at a temperature above 0, and the random streams they replay.

use std::collections::BTreeMap;

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use token_difr_core::rng::named::Sizes;
use token_difr_core::rng::torch_cuda::{GPUS, Gpu};
use token_difr_core::rng::{RowKey, Stream};
use token_difr_core::{FilterRule, Filters, Replay, SampledScores, TopKBatch};

use crate::batch::BatchArrays;
use crate::error::OrValueError;

/// A stream and the sizes that it depends on: name, variant, vocabulary, batch, multiprocessors, threads of each.
type StreamSpec = (String, String, u32, u32, u32, u32);
/// Temperature, top-k, top-p, min-p, and the name of the rule.
type FiltersSpec = (f64, usize, f64, f64, String);
/// Seed, position and batch row of each position of a batch.
type Keys<'py> = (PyReadonlyArray1<'py, u64>, PyReadonlyArray1<'py, u64>, PyReadonlyArray1<'py, u32>);

type F32<'py> = Bound<'py, PyArray1<f32>>;
type Flags<'py> = Bound<'py, PyArray1<bool>>;
type Columns<'py> = (
    Flags<'py>,
    F32<'py>,
    F32<'py>,
    F32<'py>,
    F32<'py>,
    F32<'py>,
    F32<'py>,
    Bound<'py, PyArray1<u8>>,
    Option<Flags<'py>>,
);

fn value_error(error: impl ToString) -> PyErr {
    PyValueError::new_err(error.to_string())
}

fn stream_of(spec: &StreamSpec) -> PyResult<Stream> {
    let (name, variant, vocab_size, batch_size, multiprocessors, threads_per_multiprocessor) = spec;
    let gpu = Gpu { multiprocessors: *multiprocessors, threads_per_multiprocessor: *threads_per_multiprocessor };
    let sizes = Sizes { vocab_size: *vocab_size, batch_size: *batch_size, gpu };
    Stream::named(name, variant, sizes).map_err(value_error)
}

fn filters_of((temperature, top_k, top_p, min_p, rule): FiltersSpec) -> PyResult<Filters> {
    let rule = match rule.as_str() {
        "vllm" => FilterRule::Vllm,
        "huggingface" => FilterRule::HuggingFace,
        "sglang" => FilterRule::Sglang,
        _ => return Err(value_error(format!("no filter rule is called {rule:?}"))),
    };
    Filters::new(temperature, top_k, top_p, min_p, rule).map_err(value_error)
}

fn keys_of(keys: &Keys<'_>) -> PyResult<Vec<RowKey>> {
    let (seeds, positions, rows) = (keys.0.as_slice()?, keys.1.as_slice()?, keys.2.as_slice()?);
    let keys = seeds.iter().zip(positions).zip(rows);
    Ok(keys.map(|((&seed, &position), &batch_row)| RowKey { seed, position, batch_row }).collect())
}

#[pyfunction]
pub(crate) fn gpus() -> BTreeMap<&'static str, (u32, u32)> {
    GPUS.iter().map(|(name, gpu)| (*name, (gpu.multiprocessors, gpu.threads_per_multiprocessor))).collect()
}

#[pyfunction]
#[pyo3(signature = (stream, keys, token_ids, /))]
pub(crate) fn gumbel<'py>(
    py: Python<'py>,
    stream: StreamSpec,
    keys: Keys<'py>,
    token_ids: PyReadonlyArray1<'py, u32>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let (stream, keys, ids) = (stream_of(&stream)?, keys_of(&keys)?, token_ids.as_slice()?);
    let noise = py.detach(|| stream.gumbel_grid(&keys, ids)).map_err(value_error)?;
    noise.into_pyarray(py).reshape([keys.len(), ids.len()])
}

#[pyfunction]
#[pyo3(signature = (batch, filters, stream, keys, tail, /))]
pub(crate) fn score_sampled<'py>(
    py: Python<'py>,
    batch: BatchArrays<'py>,
    filters: FiltersSpec,
    stream: Option<StreamSpec>,
    keys: Option<Keys<'py>>,
    tail: Option<u32>,
) -> PyResult<Columns<'py>> {
    let (arrays, improper_rows, filters) = (batch.slices()?, batch.improper_rows, filters_of(filters)?);
    let stream = stream.as_ref().map(stream_of).transpose()?;
    let keys = keys.as_ref().map(keys_of).transpose()?.unwrap_or_default();
    let replay = stream.map(|stream| Replay { stream, keys: &keys, tail });
    let checked = TopKBatch::assume_checked(arrays, improper_rows).or_value_error()?;
    let scores = py.detach(|| token_difr_core::score_sampled(&checked, &filters, replay.as_ref()));
    Ok(columns(py, scores.map_err(value_error)?))
}

fn columns(py: Python<'_>, scores: SampledScores) -> Columns<'_> {
    (
        scores.exact_match.into_pyarray(py),
        scores.prob.into_pyarray(py),
        scores.margin.into_pyarray(py),
        scores.margin_bound.into_pyarray(py),
        scores.logit_rank.into_pyarray(py),
        scores.gumbel_rank.into_pyarray(py),
        scores.surprise.into_pyarray(py),
        scores.status.into_pyarray(py),
        scores.rival_possible.map(|flags| flags.into_pyarray(py)),
    )
}
