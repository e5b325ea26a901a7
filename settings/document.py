"""Read a TOML file into a strict model, or refuse it in one line: file, place, what was given, what is accepted."""

import difflib
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from settings.problem import UsageProblem

CHECKOUT: Final = Path(__file__).resolve().parent.parent
"""The checkout's root: defaults are found here, wherever the command was typed."""

_MAX_GIVEN: Final = 60  # characters of a value that a message quotes

_KINDS: Final[dict[str, str]] = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "finite_number": "a finite number",
    "date_type": "a date",
}
"""pydantic's name of a wrong kind → what is accepted."""


class Document(BaseModel):
    """Base of every file people write: unknown keys are errors, nothing is converted silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


_Model = TypeVar("_Model", bound=BaseModel)


def read_document(path: Path, model: type[_Model]) -> _Model:
    """Return the TOML file at `path` as `model`.

    UsageProblem, always one line, when it is missing, unreadable, not UTF-8, not TOML, empty, has an unknown key or
    a value that is not accepted. Items of a list of tables are called by their number: `threshold 3`.
    """
    data = _parse(path)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        # An unknown key is mostly a misspelt one, and then also reported as missing: the spelling says more.
        first = min(details, key=lambda detail: detail["type"] != "extra_forbidden")
        raise UsageProblem(one_line(f"{shown(path)}: {_describe(first, data, model)}")) from error


def shown(path: Path) -> str:
    """Return how a message names a file: below the checkout without the checkout's own path."""
    absolute = path.absolute()
    return str(absolute.relative_to(CHECKOUT)) if absolute.is_relative_to(CHECKOUT) else str(path)


def one_line(text: str) -> str:
    """Return `text` with line breaks and control characters as blanks."""
    return "".join(char if char.isprintable() else " " for char in text)


def did_you_mean(given: str, accepted: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` when something accepted is close to `given`, else all that is accepted."""
    known = list(accepted)
    close = difflib.get_close_matches(given, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; accepted: {', '.join(known)}" if known else "; accepted: nothing"


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise UsageProblem(one_line(f"{shown(path)}: no such file")) from error
    except OSError as error:
        raise UsageProblem(one_line(f"{shown(path)}: not readable: {error.strerror or error}")) from error
    except UnicodeDecodeError as error:
        raise UsageProblem(one_line(f"{shown(path)}: byte {error.start}: not UTF-8 text")) from error
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageProblem(one_line(f"{shown(path)}: not TOML: {error}")) from error
    if not data:
        raise UsageProblem(one_line(f"{shown(path)}: empty; accepted: format = 1 and what follows it"))
    return data


def _describe(detail: ErrorDetails, data: Mapping[str, Any], model: type[BaseModel]) -> str:
    """Return `place: what was given; what is accepted` of one pydantic error."""
    loc = _written_places(detail, data)
    kind = detail["type"]
    if kind in ("extra_forbidden", "missing"):
        *parents, key = loc
        place = _place(parents)
        if kind == "missing":
            return f"{place}missing key {str(key)!r}"
        return f"{place}unknown key {str(key)!r}{did_you_mean(str(key), _accepted_keys(model, parents))}"
    return f"{_place(loc)}{_refusal(detail)}"


def _refusal(detail: ErrorDetails) -> str:
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    given = _given(detail["input"])
    if kind == "literal_error":
        return f"{given} is not accepted; accepted: {context['expected']}"
    if kind in _KINDS:
        return f"{given} is not {_KINDS[kind]}"
    message = detail["msg"]
    return f"{given}: {message[0].lower()}{message[1:]}"


def _given(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
    return text if len(text) <= _MAX_GIVEN else f"{text[:_MAX_GIVEN]}…"


def _written_places(detail: ErrorDetails, data: object) -> list[str | int]:
    """Return the error's location as far as the file has it: unions add their own tags to pydantic's."""
    at = data
    places: list[str | int] = []
    for part in detail["loc"]:
        if isinstance(at, list):
            at = at[int(part)]
        elif isinstance(at, dict) and part in at:
            at = at[part]
        elif not (detail["type"] == "missing" and part == detail["loc"][-1]):
            continue
        places.append(part)
    return places


def _place(loc: Iterable[str | int]) -> str:
    """Return `threshold 3: high: `; empty for the top level."""
    words: list[str] = []
    for part in loc:
        if isinstance(part, int) and words:
            words[-1] = f"{words[-1]} {part + 1}"
        else:
            words.append(str(part))
    return "".join(f"{word}: " for word in words)


def _accepted_keys(model: type[BaseModel], parents: Iterable[str | int]) -> list[str]:
    """Return the keys the model accepts at a place."""
    at = model
    for part in parents:
        if isinstance(part, str):
            at = _model_in(_field(at, part)) or at
    return [info.alias or name for name, info in at.model_fields.items()]


def _field(model: type[BaseModel], key: str) -> object:
    for name, info in model.model_fields.items():
        if key in (name, info.alias):
            return info.annotation
    return typing.get_type_hints(model).get("__pydantic_extra__")


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Return the model inside `list[Model]`, `dict[str, Model]`, `Model | None` or `Model`."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    found = (_model_in(argument) for argument in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)
