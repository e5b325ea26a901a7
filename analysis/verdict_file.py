"""Write and read verdict.json, the public contract of a verdict."""

import dataclasses
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from analysis.verdict import FORMAT, Verdict
from runlog.errors import RunLogError
from runlog.run import Run, write_atomically

VERDICT_FILE: Final = "verdict.json"
SCHEMA_FILE: Final = Path(__file__).with_name("verdict.schema.json")
_VERDICT: Final = TypeAdapter(Verdict)
_DERIVED: Final = ("started", "duration_s")
"""Keys of `run` that are told for people and follow from the others."""


def write(run_dir: Path, verdict: Verdict) -> Path:
    """Write verdict.json of a run and return its path; the same verdict gives the same bytes. OSError as it comes."""
    path = run_dir / VERDICT_FILE
    write_atomically(path, dumps(verdict))
    return path


def read(run_dir: Path) -> Verdict:
    """Return the verdict of a run; RunLogError when it is missing or not of this format."""
    path = run_dir / VERDICT_FILE
    try:
        return _VERDICT.validate_python(_fields(json.loads(path.read_bytes())))
    except OSError as error:
        raise RunLogError(f"{path}: {error.strerror or error}; judge the run first") from error
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunLogError(f"{path}: not a verdict of format {FORMAT}") from error


def _fields(document: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the file holds
    """Return the fields of a Verdict out of its document; ValueError, KeyError or TypeError when it is none."""
    if document["format"] != FORMAT:
        raise ValueError("another format")
    fields = {key: value for key, value in document.items() if key != "format"}
    fields["run"] = {key: value for key, value in document["run"].items() if key not in _DERIVED}
    return fields


def dumps(verdict: Verdict) -> str:
    """Return verdict.json: keys sorted, not known is null."""
    document = {field.name: getattr(verdict, field.name) for field in dataclasses.fields(verdict)}
    document |= {"format": FORMAT, "run": _run(verdict.run)}
    return json.dumps(_plain(document), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _run(run: Run) -> dict[str, Any]:
    """Return run.json with its start and length in words of the contract."""
    lasted_s = None if run.ended_at_s is None else round(run.ended_at_s - run.started_at_s, 3)
    try:
        started = datetime.fromtimestamp(run.started_at_s, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        started = None
    return {**run.model_dump(mode="json"), "started": started, "duration_s": lasted_s}


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
