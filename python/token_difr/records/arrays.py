"""Arrays as they arrive from users, made into arrays of one exact type, with errors that name them."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from token_difr.errors import BatchError

__all__ = ["flat_array", "read_only"]

Number = TypeVar("Number", bound=np.generic)


def flat_array(name: str, value: ArrayLike, dtype: type[Number]) -> NDArray[Number]:
    """``value`` as a contiguous, read-only, one-dimensional array of ``dtype``; not copied if it is one already.

    Args:
        name: What errors call it.
        value: A list, an array of any layout, or anything else that NumPy reads (a torch tensor on the CPU).
        dtype: Integers are taken for an integer type if they fit; integers and floats for a float type.

    Raises:
        BatchError: Not one-dimensional, or values of another kind or out of range.
    """
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise BatchError(f"{name} cannot be read as a flat array of numbers: {error}") from None
    if array.ndim != 1:
        raise BatchError(f"{name} has {array.ndim} dimensions: it must be a flat array")
    if array.dtype != dtype:
        array = _converted(name, array, np.dtype(dtype))
    return read_only(np.require(array, requirements=["C", "ALIGNED"]))


def read_only(array: NDArray[Number]) -> NDArray[Number]:
    """A view of ``array`` that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def _converted(name: str, array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if array.size == 0:
        return np.empty(0, dtype)
    wanted, kinds = ("integers", "iu") if dtype.kind in "iu" else ("floats", "fiu")
    if array.dtype.kind not in kinds:
        raise BatchError(f"{name} holds {array.dtype} values: it takes {wanted} that fit {dtype}")
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        outside = (array < limits.min) | (array > limits.max)
        if outside.any():
            index = int(outside.argmax())
            raise BatchError(f"{name}[{index}] is {array[index]}: it takes integers from {limits.min} to {limits.max}")
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes an infinity, which the core's checks name
        return array.astype(dtype)
