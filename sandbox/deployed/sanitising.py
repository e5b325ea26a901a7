"""Strip from texts what could be markup, as the deployment does to what passed its content screen."""

import re
from typing import Any

from sandbox.screen import EXEMPT

_STRIPPED = re.compile(r"[<>]|javascript:|\bon\w+\s*=", re.IGNORECASE)


def sanitised(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body whose texts are stripped and trimmed; some fields are exempt (contract 1.2)."""
    return {name: value if name in EXEMPT else _clean(value) for name, value in body.items()}


def _clean(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return _STRIPPED.sub("", value).strip()
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return sanitised(value) if isinstance(value, dict) else value
