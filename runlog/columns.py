"""Collect samples as rows of bytes, one call a sample, so that a second's worth becomes Arrow's columns in one go."""

import struct
from dataclasses import dataclass
from typing import Final

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


_Subject = tuple[str, str | None, str | None, str | None, str | None]
"""What a sample is about: kind, workflow, step, method, route."""
_SUBJECT: Final = ("kind", "workflow", "step", "method", "route")


class _Subjects(dict[_Subject, int]):
    """One code for what a request is about, in place of five: a seller sends the same few again and again."""

    def __init__(self, names: "list[_Names]") -> None:
        super().__init__()
        self._names = names
        self.codes: list[tuple[int, ...]] = []

    def __missing__(self, subject: _Subject) -> int:
        code = self[subject] = len(self.codes)
        self.codes.append(tuple(names[text] for names, text in zip(self._names, subject, strict=True)))
        return code


_FIELDS: Final = (
    ("sent_at_s", "d"), ("intended_at_s", "d"),
    ("response_time_ms", "f"), ("connect_ms", "f"), ("wait_ms", "f"), ("handshake_ms", "f"),
    ("seller", "i"), ("iteration", "i"), ("process", "i"), ("request_bytes", "i"), ("response_bytes", "i"),
    ("subject", "i"), ("outcome", "h"), ("cache", "h"), ("error", "h"), ("status", "h"), ("computed", "b"),
)  # fmt: skip
"""One row, field by field: its name, and its type as both `struct` and NumPy spell it."""
_ROW: Final = struct.Struct("<" + "".join(kind for _, kind in _FIELDS))
_DTYPE: Final = np.dtype([(name, f"<{kind}" if kind != "b" else "i1") for name, kind in _FIELDS])
_ROWS_AT_FIRST: Final = 1_024


@dataclass(frozen=True, slots=True)
class Batch:
    """Some samples on their way to a file: rows of bytes, and what their codes stand for."""

    rows: int
    raw: bytearray
    subjects: tuple[tuple[int, ...], ...]
    names: dict[str, tuple[str, ...]]


class SampleColumns:
    """Samples not yet written. `put` is the per-request path: keep it free of everything but writing one row."""

    def __init__(self) -> None:
        self.added = 0
        """Samples ever added."""
        self._names = {
            name: _Names(ERROR_LIMIT, OTHER_ERROR) if name == "error" else _Names(_NAME_LIMIT, f"other {name}")
            for name in CATEGORIES
        }
        self.subjects = _Subjects([self._names[name] for name in _SUBJECT])
        """Codes by kind, workflow, step, method and route, for `put`; they hold as long as this object."""
        self._outcomes, self._caches, self._errors = (self._names[name] for name in ("outcome", "cache", "error"))
        self._taken = 0
        self._raw = bytearray(_ROWS_AT_FIRST * _ROW.size)

    def __len__(self) -> int:
        """Return the number of samples waiting."""
        return self.added - self._taken

    def add(self, sample: Sample) -> None:
        """Append one sample."""
        (
            kind, sent_at_s, intended_at_s, workflow, step, seller, iteration, process, method, route,
            status, outcome, response_time_ms, connect_ms, wait_ms, request_bytes, response_bytes, cache, error,
            computed, handshake_ms,
        ) = sample  # fmt: skip
        self.put(
            self.subjects[kind, workflow, step, method, route],
            sent_at_s, intended_at_s, seller, iteration, process, status, outcome, response_time_ms, connect_ms,
            wait_ms, request_bytes, response_bytes, cache, error, computed, handshake_ms,
        )  # fmt: skip

    def put(  # noqa: PLR0913, PLR0917  # a row has as many fields, and an object to carry them would cost more than writing it
        self,
        subject: int,
        sent_at_s: float,
        intended_at_s: float | None,
        seller: int,
        iteration: int,
        process: int,
        status: int | None,
        outcome: str,
        response_time_ms: float | None,
        connect_ms: float | None,
        wait_ms: float | None,
        request_bytes: int | None,
        response_bytes: int | None,
        cache: str | None,
        error: str | None,
        computed: bool | None = None,  # noqa: FBT001  # as the sample has it
        handshake_ms: float | None = None,
    ) -> None:
        """Append one sample by its fields; `subject` is a code of `subjects`, the rest is as in `Sample`."""
        place = (self.added - self._taken) * _ROW.size
        if place == len(self._raw):
            self._raw.extend(bytes(place))
        _ROW.pack_into(
            self._raw,
            place,
            sent_at_s,
            _NAN if intended_at_s is None else intended_at_s,
            _NAN if response_time_ms is None else response_time_ms,
            _NAN if connect_ms is None else connect_ms,
            _NAN if wait_ms is None else wait_ms,
            _NAN if handshake_ms is None else handshake_ms,
            seller,
            iteration,
            process,
            _UNKNOWN if request_bytes is None else request_bytes,
            _UNKNOWN if response_bytes is None else response_bytes,
            subject,
            self._outcomes[outcome],
            self._caches[cache],
            self._errors[error],
            _UNKNOWN if status is None else status,
            _UNKNOWN if computed is None else computed,
        )
        self.added += 1

    def take(self) -> Batch | None:
        """Return everything added since the last call, or None; costs next to nothing, however much it is."""
        if not len(self):
            return None
        batch = Batch(
            rows=len(self),
            raw=self._raw,
            subjects=tuple(self.subjects.codes),
            names={name: tuple(names.ordered) for name, names in self._names.items()},
        )
        self._taken = self.added
        self._raw = bytearray(min(len(self._raw), max(_ROWS_AT_FIRST, 2 * batch.rows) * _ROW.size))
        return batch


def to_arrow(batch: Batch) -> pa.RecordBatch:
    """Turn a batch into Arrow's own columns, in-memory marks into nulls."""
    rows = np.frombuffer(batch.raw, dtype=_DTYPE, count=batch.rows)
    about = np.array(batch.subjects, dtype=np.int16)[rows["subject"]]
    arrays = []
    for field in SAMPLE_SCHEMA:
        raw = (
            about[:, _SUBJECT.index(field.name)] if field.name in _SUBJECT else rows[field.name]
        ).copy()  # Arrow wants each column by itself
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
