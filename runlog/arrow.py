"""Build Arrow arrays from buffers: `pa.array(...)` imports pandas at its first use, a stall of a second in the load."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa


def numbers(kind: pa.DataType, raw: "np.ndarray[Any, Any]", known: "np.ndarray[Any, Any] | None") -> pa.Array:
    """Wrap numbers of exactly `kind` without copying them; null where `known` is false."""
    validity = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(kind, len(raw), [validity, pa.py_buffer(raw)])


def truths(raw: "np.ndarray[Any, Any]", known: "np.ndarray[Any, Any]") -> pa.Array:
    """Return a column of true and false, packed as Arrow wants it; null where `known` is false."""
    packed = [pa.py_buffer(np.packbits(bits, bitorder="little")) for bits in (known, raw)]
    return pa.Array.from_buffers(pa.bool_(), len(raw), packed)


def texts(values: Iterable[str | None]) -> pa.Array:
    """Return a string array; None is null."""
    builder = pa.lib.StringBuilder()
    builder.append_values(values)
    return builder.finish()


def column(kind: pa.DataType, values: Sequence[float | int | str | None]) -> pa.Array:
    """Return a column of plain values; None is null."""
    if pa.types.is_string(kind):
        return texts(None if value is None else str(value) for value in values)
    known = np.array([value is not None for value in values])
    raw = np.array([0 if value is None else value for value in values], dtype=kind.to_pandas_dtype())
    return numbers(kind, raw, known)
