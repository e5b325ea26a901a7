"""Samples that go into columns come out of Arrow as they were."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runlog import columns
from runlog.columns import ERROR_LIMIT, OTHER_ERROR, SampleColumns, to_arrow
from runlog.reader import read_samples
from runlog.schema import CATEGORIES, SAMPLE_SCHEMA, Cache, Kind, Outcome, Sample
from runlog.writer import SampleWriter

Make = Callable[..., Sample]
Rows = Callable[[pa.Table], list[Sample]]

INT32_MAX, INT16_MAX = 2**31 - 1, 2**15 - 1
_names = st.text(max_size=12)
_times_ms = st.floats(min_value=0, allow_infinity=False, allow_nan=False, width=32)
_indexes = st.integers(0, INT32_MAX)
samples = st.builds(
    Sample,
    kind=st.sampled_from(Kind),
    sent_at_s=st.floats(allow_nan=False, allow_infinity=False),
    intended_at_s=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    workflow=st.none() | _names,
    step=st.none() | _names,
    seller=_indexes,
    iteration=st.integers(-1, INT32_MAX),
    process=_indexes,
    method=st.none() | _names,
    route=st.none() | _names,
    status=st.none() | st.integers(0, INT16_MAX),
    outcome=st.sampled_from(Outcome),
    response_time_ms=st.none() | _times_ms,
    connect_ms=st.none() | _times_ms,
    wait_ms=st.none() | _times_ms,
    request_bytes=st.none() | _indexes,
    response_bytes=st.none() | _indexes,
    cache=st.none() | st.sampled_from(Cache),
    error=st.none() | _names,
    computed=st.none() | st.booleans(),
    handshake_ms=st.none() | _times_ms,
)


def _round_trip(*each: Sample) -> pa.Table:
    held = SampleColumns()
    for one in each:
        held.add(one)
    batch = held.take()
    assert batch is not None
    return pa.Table.from_batches([to_arrow(batch)])


@pytest.mark.parametrize("field", [field for field in SAMPLE_SCHEMA if field.nullable], ids=lambda field: field.name)
def test_null_of_each_nullable_column_stays_null_and_touches_no_neighbour(
    field: pa.Field, sample: Make, rows: Rows
) -> None:
    full = sample(intended_at_s=5.5, connect_ms=1.5, error="oops", computed=True, handshake_ms=2.5)
    mixed = [full, full._replace(**{field.name: None}), full]
    table = _round_trip(*mixed)
    assert table[field.name].null_count == 1
    assert rows(table) == mixed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", 0),
        ("status", INT16_MAX),
        ("request_bytes", 0),
        ("response_bytes", INT32_MAX),
        ("response_time_ms", 0.0),
        ("connect_ms", 0.0),
        ("intended_at_s", 0.0),
        ("sent_at_s", 1_700_000_000.123456),
        ("iteration", -1),
        ("seller", INT32_MAX),
        ("error", ""),
        ("workflow", "näme ✓"),
        ("computed", False),
        ("computed", True),
    ],
)
def test_extreme_value_is_not_mistaken_for_unknown(name: str, value: object, sample: Make, rows: Rows) -> None:
    assert rows(_round_trip(sample(**{name: value})))[0]._asdict()[name] == value


@pytest.mark.parametrize("word", [*Kind, *Outcome, *Cache], ids=lambda word: f"{type(word).__name__}.{word}")
def test_every_word_of_the_vocabulary_comes_back(word: Kind | Outcome | Cache, sample: Make, rows: Rows) -> None:
    made = sample(**{type(word).__name__.lower(): word})
    assert rows(_round_trip(made)) == [made]


def test_columns_have_the_names_and_types_of_the_format(sample: Make) -> None:
    assert _round_trip(sample()).schema.equals(SAMPLE_SCHEMA, check_metadata=True)
    assert Sample._fields == tuple(SAMPLE_SCHEMA.names)


def test_nothing_to_take_when_nothing_was_added(sample: Make) -> None:
    held = SampleColumns()
    assert held.take() is None
    held.add(sample())
    assert len(held) == 1
    first = held.take()
    assert first is not None
    assert (first.rows, len(held), held.take()) == (1, 0, None)


def test_more_samples_than_there_was_room_for_make_room_and_give_it_back(sample: Make, rows: Rows) -> None:
    held = SampleColumns()
    made = [sample(seller=number) for number in range(3 * columns._ROWS_AT_FIRST)]
    sizes = []
    for each in (made, made[:3], made[:3]):
        for one in each:
            held.add(one)
        batch = held.take()
        assert batch is not None
        assert rows(pa.Table.from_batches([to_arrow(batch)])) == each
        sizes.append(len(batch.raw) // columns._ROW.size)
    assert sizes == [4 * columns._ROWS_AT_FIRST, 4 * columns._ROWS_AT_FIRST, columns._ROWS_AT_FIRST]


@settings(max_examples=60, deadline=None)
@given(flushes=st.lists(st.lists(samples, max_size=6), max_size=5))
def test_any_samples_in_any_flushes_come_back_equal_and_in_order(flushes: list[list[Sample]]) -> None:
    with TemporaryDirectory() as place:
        writer = SampleWriter(Path(place), 0)
        for flush in flushes:
            for each in flush:
                writer.add(each)
            writer.flush()
        closing = writer.close(unrecorded=0, bugs=())
        back = [Sample(**row) for row in read_samples(Path(place)).to_pylist()]
    assert back == [each for flush in flushes for each in flush]
    assert closing.samples == closing.written == len(back)


def test_error_text_200_is_kept_and_201_is_filed_under_other(sample: Make, rows: Rows) -> None:
    texts = [f"cause {number}" for number in range(ERROR_LIMIT + 3)]
    back = [each.error for each in rows(_round_trip(*(sample(error=text) for text in texts)))]
    assert ERROR_LIMIT == 200  # design.md: at most 200 distinct
    assert back == [*texts[:200], OTHER_ERROR, OTHER_ERROR, OTHER_ERROR]


def test_known_error_and_none_keep_their_names_after_the_limit(sample: Make, rows: Rows) -> None:
    texts = [f"cause {number}" for number in range(ERROR_LIMIT + 1)]
    late = ["cause 0", None, OTHER_ERROR, "cause 199", "cause 999"]
    back = rows(_round_trip(*(sample(error=text) for text in [*texts, *late])))[len(texts) :]
    assert [each.error for each in back] == ["cause 0", None, OTHER_ERROR, "cause 199", OTHER_ERROR]


def test_error_limit_holds_over_flushes(sample: Make, rows: Rows) -> None:
    held, back = SampleColumns(), list[str | None]()
    for number in range(ERROR_LIMIT + 20):
        held.add(sample(error=f"cause {number}"))
        batch = held.take()
        assert batch is not None
        back += [each.error for each in rows(pa.Table.from_batches([to_arrow(batch)]))]
    assert back == [f"cause {number}" for number in range(ERROR_LIMIT)] + [OTHER_ERROR] * 20


def test_texts_past_the_limit_share_one_name(sample: Make) -> None:
    held = SampleColumns()
    for number in range(ERROR_LIMIT + 20):
        held.add(sample(error=f"cause {number}"))
    batch = held.take()
    assert batch is not None
    assert batch.names["error"] == (*(f"cause {number}" for number in range(ERROR_LIMIT)), OTHER_ERROR)


def test_no_category_outgrows_its_codes(monkeypatch: pytest.MonkeyPatch, sample: Make, rows: Rows) -> None:
    assert columns._NAME_LIMIT < INT16_MAX
    monkeypatch.setattr(columns, "_NAME_LIMIT", 2)
    routes = ["/a", "/b", "/c", "/d", "/a"]
    back = rows(_round_trip(*(sample(route=route) for route in routes)))
    assert [each.route for each in back] == ["/a", "/b", "other route", "other route", "/a"]
    assert set(CATEGORIES) == {field.name for field in SAMPLE_SCHEMA if pa.types.is_dictionary(field.type)}
