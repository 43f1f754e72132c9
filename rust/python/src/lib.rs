//! The extension module `token_difr._core`: what Python sees of the core. Its documentation is `_core.pyi`.
//!
//! Functions here borrow arrays, release the GIL, call the core and hand over what it made; arrays were coerced to
//! the right type in Python, where they have names.

#![expect(clippy::needless_pass_by_value, reason = "pyo3 hands arguments over by value")]

mod batch;
mod error;
mod filters;
mod json_parts;
mod logprob_rows;
mod resample;
mod score;
mod stream;
mod vocabulary;
mod wire;

#[pyo3::pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::batch::check_topk;
    #[pymodule_export]
    use super::filters::{FilterFacts, Filters, filter_rules};
    #[pymodule_export]
    use super::json_parts::json_parts;
    #[pymodule_export]
    use super::logprob_rows::{log_normalizers, logprob_rows};
    #[pymodule_export]
    use super::resample::{shuffled_sums, swapped_sums};
    #[pymodule_export]
    use super::score::{ScoreColumns, score_greedy, score_sampled};
    #[pymodule_export]
    use super::stream::{Stream, StreamFacts, gpus, stream_facts};
    #[pymodule_export]
    use super::vocabulary::Vocabulary;
    #[pymodule_export]
    use super::wire::{Rows, parse};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
