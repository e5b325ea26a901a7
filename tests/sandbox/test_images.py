"""Take real pictures and refuse the rest."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.sandbox.conftest import M
from tests.sandbox.test_steps import multipart, noise_jpeg, upload

if TYPE_CHECKING:
    from tests.sandbox.conftest import Answer, Client, Person


@pytest.mark.parametrize(
    ("edge_px", "context", "status"),
    [(99, "profile", 400), (100, "profile", 201), (199, "listing", 400), (200, "listing", 201), (399, "cover", 400)],
)
def test_image_sizes(seller: Person, edge_px: int, context: str, status: int) -> None:
    assert upload(seller.client, noise_jpeg(edge_px), context).status == status


def test_image_refusals(seller: Person, client: Client) -> None:
    picture, path = noise_jpeg(200), f"{M}/seller/images/upload"
    for answer, status, code in (
        (upload(seller.client, picture, "banner"), 400, "INVALID_CONTEXT"),
        (upload(seller.client, b"not a picture", "listing"), 400, "IMAGE_VALIDATION_ERROR"),
        (upload(seller.client, picture, "listing", mime="image/png"), 400, "IMAGE_VALIDATION_ERROR"),
        (upload(seller.client, picture, "listing", mime="text/html"), 500, "INTERNAL_ERROR"),
        (upload(seller.client, picture, "listing", field="file"), 400, "FILE_UPLOAD_ERROR"),
        (upload(client, picture, "listing"), 401, "UNAUTHORIZED"),
        (client("POST", path), 400, "NO_FILE"),
        (
            client("POST", f"{M}/seller/images/upload", b"x", Content_Type="multipart/form-data"),
            400,
            "FILE_UPLOAD_ERROR",
        ),
    ):
        assert (answer.status, answer.json["code"], answer.json["success"]) == (status, code, False)


def test_flat_picture_is_refused(seller: Person) -> None:
    target = io.BytesIO()
    Image.new("RGB", (300, 300), "white").save(target, "JPEG")
    answer: Answer = upload(seller.client, target.getvalue(), "listing")
    assert answer.json["code"] == "IMAGE_VALIDATION_ERROR"


def test_upload_form_is_plain_multipart() -> None:
    body, content_type = multipart(b"x", "listing")
    assert content_type.split("boundary=")[1].encode() in body
