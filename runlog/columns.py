"""Collect samples as flat typed columns, so that handing a second's worth to Arrow costs microseconds."""

from array import array
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from runlog.arrow import numbers, texts, truths
from runlog.schema import CATEGORIES, SAMPLE_SCHEMA, Sample

ERROR_LIMIT: Final = 200
"""Distinct error texts kept in one process; what comes after is filed under OTHER_ERROR."""
OTHER_ERROR: Final = "other error (more than 200 distinct)"
_NAME_LIMIT: Final = 32_000
"""Distinct names in any other column; int16 codes end at 32,767, and a route template is never an id."""
_UNKNOWN: Final = -1
"""In-memory mark of null in columns whose values are never negative, truth as 0 and 1; Arrow gets a real null."""
_NAN: Final = float("nan")


class _Names(dict[str | None, int]):
    """Codes of one category column: the same text, the same code; None is null."""

    def __init__(self, limit: int, overflow: str) -> None:
        super().__init__({None: _UNKNOWN})
        self.ordered: list[str] = []
        self._limit = limit
        self._overflow = overflow

    def __missing__(self, name: str) -> int:
        text = str(name) if len(self.ordered) < self._limit else self._overflow
        if text != name and text in self:
            return self[text]
        code = len(self.ordered)
        self.ordered.append(text)
        self[text] = code
        return code


@dataclass(frozen=True, slots=True)
class Batch:
    """Some samples on their way to a file: raw columns, and the names their codes stand for."""

    rows: int
    columns: dict[str, "array[Any]"]
    names: dict[str, tuple[str, ...]]


_TYPECODES: Final = {pa.float64(): "d", pa.float32(): "f", pa.int32(): "i", pa.int16(): "h", pa.bool_(): "b"}


def _empty_columns() -> "dict[str, array[Any]]":
    return {field.name: array(_TYPECODES.get(field.type, "h")) for field in SAMPLE_SCHEMA}


class SampleColumns:
    """Samples not yet written. `add` is the per-request path: keep it free of everything that is not an append."""

    def __init__(self) -> None:
        self._names = {
            name: _Names(ERROR_LIMIT, OTHER_ERROR) if name == "error" else _Names(_NAME_LIMIT, f"other {name}")
            for name in CATEGORIES
        }
        self._codes = tuple(self._names.values())
        self._columns = _empty_columns()
        self._bind()

    def __len__(self) -> int:
        """Return the number of samples waiting."""
        return len(self._columns["sent_at_s"])

    def _bind(self) -> None:
        """Look up every append once a flush instead of twenty-one times a sample."""
        self._appends = tuple(column.append for column in self._columns.values())

    def add(self, sample: Sample) -> None:
        """Append one sample."""
        (
            kind, sent_at_s, intended_at_s, workflow, step, seller, iteration, process, method, route,
            status, outcome, response_time_ms, connect_ms, wait_ms, request_bytes, response_bytes, cache, error,
            computed, handshake_ms,
        ) = sample  # fmt: skip
        (
            add_kind, add_sent, add_intended, add_workflow, add_step, add_seller, add_iteration, add_process,
            add_method, add_route, add_status, add_outcome, add_response, add_connect, add_wait, add_request_bytes,
            add_response_bytes, add_cache, add_error, add_computed, add_handshake,
        ) = self._appends  # fmt: skip
        kinds, workflows, steps, methods, routes, outcomes, caches, errors = self._codes
        add_kind(kinds[kind])
        add_sent(sent_at_s)
        add_intended(_NAN if intended_at_s is None else intended_at_s)
        add_workflow(workflows[workflow])
        add_step(steps[step])
        add_seller(seller)
        add_iteration(iteration)
        add_process(process)
        add_method(methods[method])
        add_route(routes[route])
        add_status(_UNKNOWN if status is None else status)
        add_outcome(outcomes[outcome])
        add_response(_NAN if response_time_ms is None else response_time_ms)
        add_connect(_NAN if connect_ms is None else connect_ms)
        add_wait(_NAN if wait_ms is None else wait_ms)
        add_request_bytes(_UNKNOWN if request_bytes is None else request_bytes)
        add_response_bytes(_UNKNOWN if response_bytes is None else response_bytes)
        add_cache(caches[cache])
        add_error(errors[error])
        add_computed(_UNKNOWN if computed is None else computed)
        add_handshake(_NAN if handshake_ms is None else handshake_ms)

    def take(self) -> Batch | None:
        """Return everything added since the last call, or None; costs the same however much it is."""
        if not len(self):
            return None
        batch = Batch(
            rows=len(self),
            columns=self._columns,
            names={name: tuple(names.ordered) for name, names in self._names.items()},
        )
        self._columns = _empty_columns()
        self._bind()
        return batch


def to_arrow(batch: Batch) -> pa.RecordBatch:
    """Turn a batch into Arrow's own columns, in-memory marks into nulls."""
    arrays = []
    for field in SAMPLE_SCHEMA:
        raw = np.frombuffer(batch.columns[field.name], dtype=batch.columns[field.name].typecode)
        if pa.types.is_dictionary(field.type):
            codes = numbers(pa.int16(), raw, raw != _UNKNOWN)
            arrays.append(pa.DictionaryArray.from_arrays(codes, texts(batch.names[field.name])))
        elif pa.types.is_boolean(field.type):
            arrays.append(truths(raw == 1, raw != _UNKNOWN))
        elif not field.nullable:
            arrays.append(numbers(field.type, raw, None))
        else:
            known = ~np.isnan(raw) if pa.types.is_floating(field.type) else raw != _UNKNOWN
            arrays.append(numbers(field.type, raw, known))
    return pa.record_batch(arrays, schema=SAMPLE_SCHEMA)
