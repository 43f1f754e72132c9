//! How an error of the core reaches Python: a `ValueError` with its message.

use std::error::Error;

use pyo3::PyErr;
use pyo3::exceptions::PyValueError;

/// `?` on a core result; both types are foreign here, so `From` cannot be implemented.
pub(crate) trait OrValueError<T> {
    /// The value, or a `ValueError` with the error's message.
    fn or_value_error(self) -> Result<T, PyErr>;
}

impl<T, E: Error> OrValueError<T> for Result<T, E> {
    fn or_value_error(self) -> Result<T, PyErr> {
        self.map_err(|error| PyValueError::new_err(error.to_string()))
    }
}
