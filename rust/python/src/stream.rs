//! The random streams: their facts, and their noise.

use std::collections::BTreeMap;

use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use token_difr_core::rng::gpu::{GPUS, Gpu};
use token_difr_core::rng::{KeyedBy, RowKey, Sizes};

use crate::error::OrValueError;

/// Seed, position and batch row of each position of a batch, borrowed by their attributes' names.
#[derive(FromPyObject)]
pub(crate) struct Keys<'py> {
    seeds: PyReadonlyArray1<'py, u64>,
    positions: PyReadonlyArray1<'py, u64>,
    batch_rows: PyReadonlyArray1<'py, u32>,
}

impl Keys<'_> {
    /// The keys, one a position.
    pub(crate) fn rows(&self) -> PyResult<Vec<RowKey>> {
        let (seeds, positions, rows) =
            (self.seeds.as_slice()?, self.positions.as_slice()?, self.batch_rows.as_slice()?);
        let keys = seeds.iter().zip(positions).zip(rows);
        Ok(keys.map(|((&seed, &position), &batch_row)| RowKey { seed, position, batch_row }).collect())
    }
}

#[pyclass(frozen, get_all, module = "token_difr._core")]
pub(crate) struct StreamFacts {
    keyed_by: &'static str,
    needs_vocab_size: bool,
    needs_gpu: bool,
    drafts: bool,
    probability_floor: f64,
    alike: &'static str,
}

#[pyfunction]
#[pyo3(signature = (name, variant, /))]
pub(crate) fn stream_facts(name: &str, variant: &str) -> PyResult<StreamFacts> {
    let (facts, alike) = token_difr_core::rng::Stream::described(name, variant).or_value_error()?;
    Ok(StreamFacts {
        keyed_by: match facts.keyed_by {
            KeyedBy::Position => "position",
            KeyedBy::Step => "step",
        },
        needs_vocab_size: facts.needs_vocab_size,
        needs_gpu: facts.needs_gpu,
        drafts: facts.drafts,
        probability_floor: facts.probability_floor,
        alike,
    })
}

#[pyclass(frozen, module = "token_difr._core")]
pub(crate) struct Stream {
    pub(crate) stream: token_difr_core::rng::Stream,
}

#[pymethods]
impl Stream {
    #[new]
    #[pyo3(signature = (name, variant, /, *, vocab_size, batch_size, multiprocessors, threads))]
    fn new(
        name: &str,
        variant: &str,
        vocab_size: u32,
        batch_size: u32,
        multiprocessors: u32,
        threads: u32,
    ) -> PyResult<Self> {
        let gpu = Gpu { multiprocessors, threads_per_multiprocessor: threads };
        let sizes = Sizes { vocab_size, batch_size, gpu };
        Ok(Self { stream: token_difr_core::rng::Stream::named(name, variant, sizes).or_value_error()? })
    }

    #[getter]
    fn blocks(&self) -> u64 {
        self.stream.blocks()
    }

    #[pyo3(signature = (keys, token_ids, /))]
    fn gumbel<'py>(
        &self,
        py: Python<'py>,
        keys: Keys<'py>,
        token_ids: PyReadonlyArray1<'py, u32>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let (keys, ids) = (keys.rows()?, token_ids.as_slice()?);
        let noise = py.detach(|| self.stream.gumbel_grid(&keys, ids)).or_value_error()?;
        noise.into_pyarray(py).reshape([keys.len(), ids.len()])
    }
}

#[pyfunction]
pub(crate) fn gpus() -> BTreeMap<&'static str, (u32, u32)> {
    GPUS.iter().map(|(name, gpu)| (*name, (gpu.multiprocessors, gpu.threads_per_multiprocessor))).collect()
}
