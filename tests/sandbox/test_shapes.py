"""Refuse at the first request what the shapes of the deployment cannot be put on."""

from typing import Any

import pytest

from sandbox.deployed.shapes import constant, csrf, hiding, null_for_missing

NOTHING: Any = None


def _later(_shop: Any, _call: Any) -> Any:
    return object()  # an awaitable, as far as the shape can tell


class _Bearer:
    authorization = "Bearer x"


def test_shape_cannot_hide_a_key_of_a_list() -> None:
    with pytest.raises(TypeError, match="no object"):
        hiding(constant([1]), "a")(NOTHING, NOTHING)


@pytest.mark.parametrize("shape", [csrf, null_for_missing])
def test_shape_cannot_wait(shape: Any) -> None:
    with pytest.raises(TypeError, match="at once"):
        shape(_later)(NOTHING, _Bearer())
