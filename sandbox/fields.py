"""Read the fields of a JSON body and collect everything that does not hold."""

import re
from collections.abc import Sequence
from typing import Any

from sandbox.envelopes import FieldError, RefusalError


class Fields:
    """Reads a body field by field; ``check`` raises one refusal that names all bad fields."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self._errors: list[FieldError] = []

    def text(self, name: str, longest: int, *, required: bool = False, shape: re.Pattern[str] | None = None) -> str:
        """Return a text of at most ``longest`` characters; empty when absent or bad."""
        value = self._body.get(name)
        if value is None or value == "":
            if required:
                self.refuse(name, f"{name} is required")
            return ""
        if not isinstance(value, str):
            self.refuse(name, f"{name} must be a string")
        elif len(value) > longest:
            self.refuse(name, f"{name} must be at most {longest} characters")
        elif shape is not None and shape.fullmatch(value) is None:
            self.refuse(name, f"{name} has an invalid format")
        else:
            return value
        return ""

    def one_of(self, name: str, accepted: Sequence[str], *, required: bool = False) -> str:
        """Return a text that is one of the accepted ones; empty when absent or bad."""
        value = self._body.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or value not in accepted:
            self.refuse(name, f"{name} must be one of {', '.join(accepted)}")
            return ""
        return value

    def texts(self, name: str, most: int) -> list[str] | None:
        """Return a list of at most ``most`` strings, None when absent or bad."""
        value = self._body.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) > most or not all(isinstance(item, str) for item in value):
            self.refuse(name, f"{name} must be a list of at most {most} strings")
            return None
        return value

    def mapping(self, name: str) -> dict[str, Any] | None:
        """Return an object, None when absent or bad."""
        value = self._body.get(name)
        if value is not None and not isinstance(value, dict):
            self.refuse(name, f"{name} must be an object")
            return None
        return value

    def refuse(self, name: str, message: str) -> None:
        """Remember a field that does not hold."""
        self._errors.append(FieldError(name, message))

    def check(self) -> None:
        """Raise 400 VALIDATION_ERROR if anything did not hold."""
        if self._errors:
            raise RefusalError(400, "VALIDATION_ERROR", self._errors[0].message, tuple(self._errors))
