"""What sellers type never trips the content screen, and what they upload is what the product takes."""

import io
import json
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from locustfiles._data import CATEGORIES, CURRENCIES, PREFIX, Texts, multipart, warm_images

WALLET = "0x52908400098527886e0f7030069857d2e4169ee7"
MIB = 1_048_576
"""Larger requests get 500 (contract.md 0.9)."""

# contract.md 10.4, written anew here: what the product's screen refuses in a serialised body
SCREEN = tuple(
    re.compile(rule, re.IGNORECASE | re.DOTALL)
    for rule in (
        r"\b(select|insert|update|delete|drop|create|alter|exec|union)\b.*\b(from|into|where|table|database)\b",
        r"\b(or|and)\s+1\s*=\s*1",
        r"(;|--)\s*(select|insert|update|delete|drop|create|alter|exec|union)",
        r"`",
        r"\$\(",
        r"(\.\./){2}",
        r"<\s*/?\s*(script|iframe)",
        r"javascript:",
        r"\bon\w+\s*=",
        r"(\||;|&&)\s*(rm|cat|ls|curl|wget)\b",
    )
)


def _screened(body: object) -> list[str]:
    """Return the rules a body trips; keys count too, the check runs over the whole serialised text."""
    text = json.dumps(body)
    return [rule.pattern for rule in SCREEN if rule.search(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Create your own dining table",
        "Select any colour from the range",
        "x or 1=1",
        "a; drop it",
        "a -- delete it",
        "in `ticks`",
        "$(date)",
        "../../etc",
        "<script>",
        "</iframe>",
        "JavaScript:x",
        "onload=x",
        "a | rm b",
        "a && curl b",
    ],
)
def test_oracle_refuses_what_the_contract_lists(text: str) -> None:
    assert _screened({"title": text})


def test_oracle_joins_words_of_different_fields() -> None:
    assert _screened({"title": "select one", "description": "from here"})
    assert not _screened({"title": "select one"})


def _all_bodies(texts: Texts) -> list[dict[str, Any]]:
    """Return every body a workflow sends with words in it, and all of them in one: fields combine."""
    bodies = [
        texts.listing(WALLET),
        {"walletAddress": WALLET, "storeName": texts.store_name(), "bio": texts.sentence()},
        {"socialLinks": texts.social_links()},
        {
            "storeName": texts.store_name(),
            "storeDescription": texts.sentence(),
            "coverImageUrl": "https://img.example/1/1.jpg",
            "sellerStory": texts.sentence(),
        },
        {"message": texts.sentence()},
        {"price": texts.price(), "currency": CURRENCIES[0], "categoryId": CATEGORIES[0]},
    ]
    carrier, number = texts.tracking_number()
    return [*bodies, {"carrier": carrier, "trackingNumber": number}, {str(i): body for i, body in enumerate(bodies)}]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**64))
def test_no_text_of_any_seed_trips_the_content_screen(seed: int) -> None:
    for body in _all_bodies(Texts(random.Random(seed))):
        assert _screened(body) == []


def test_every_word_there_is_may_stand_beside_every_other() -> None:
    texts, seen = Texts(random.Random(0)), set[str]()
    for _ in range(3_000):
        seen |= {texts.store_name()[:-9], texts.sentence()[:-14]}
    assert _screened(sorted(seen)) == []
    assert len(seen) > 300  # of 11 times 12 names and 7 times 6 times 5 descriptions


@given(st.integers(0, 2**64))
def test_same_seed_types_the_same_words_and_another_seed_others(seed: int) -> None:
    def typed(number: int) -> str:
        return json.dumps(_all_bodies(Texts(random.Random(number))))

    assert typed(seed) == typed(seed)
    assert typed(seed) != typed(seed + 1)


@settings(max_examples=50)
@given(st.integers(0, 2**64))
def test_listing_is_one_the_product_takes(seed: int) -> None:
    listing = Texts(random.Random(seed)).listing(WALLET)
    assert listing["walletAddress"] == WALLET
    assert listing["title"].startswith(f"{PREFIX} ")  # an operator finds what a run made
    assert listing["currency"] in {"ETH", "USDC", "DAI", "USD"}  # contract.md 10.5
    assert listing["categoryId"] in CATEGORIES
    assert re.fullmatch(r"[1-9]\d{0,2}\.\d{8}", listing["price"])  # numeric(20,8), as text with 8 decimals
    assert 1 <= listing["inventory"] <= 50
    assert 1 <= len(listing["title"]) <= 100


def test_categories_are_slugs_the_product_knows() -> None:
    known = "art, music, gaming, photography, electronics, fashion, home, books, sports, toys, jewelry, crafts"
    assert set(CATEGORIES) <= set(known.split(", "))  # contract.md 10.3
    assert set(CURRENCIES) == {"ETH", "USDC", "DAI", "USD"}


def test_names_of_one_seller_differ_from_each_other() -> None:
    texts = Texts(random.Random(3))
    names = [texts.store_name() for _ in range(500)]
    assert len(set(names)) == len(names)
    assert all(name.startswith(f"{PREFIX} ") for name in names)


CARRIERS = {"UPS": r"1Z[0-9A-Z]{16}", "FEDEX": r"\d{12,15}", "DHL": r"\d{10,11}", "USPS": r"\d{20,22}"}
"""contract.md 10.7."""


def test_tracking_numbers_have_the_form_of_their_carrier() -> None:
    texts, carriers = Texts(random.Random(0)), set[str]()
    for _ in range(400):
        carrier, number = texts.tracking_number()
        carriers.add(carrier)
        assert re.fullmatch(CARRIERS[carrier], number), (carrier, number)
    assert carriers == set(CARRIERS)


# -- pictures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pixels", "context", "smallest_bytes"),
    [(400, "profile", 40_000), (500, "listing", 60_000)],  # contract.md 10.6
    ids=["profile", "listing"],
)
def test_upload_is_a_noise_jpeg_well_under_a_mebibyte(pixels: int, context: str, smallest_bytes: int) -> None:
    texts, images = Texts(random.Random(0)), set[bytes]()
    for _ in range(60):
        images.add(texts.image(pixels))
    assert len(images) == 8  # each seller picks one of eight
    for image in images:
        with Image.open(io.BytesIO(image)) as picture:
            picture.load()
            assert (picture.format, picture.size, picture.mode) == ("JPEG", (pixels, pixels), "RGB")
            assert picture.getextrema() == ((0, 255), (0, 255), (0, 255))  # noise, not a flat colour
        assert smallest_bytes <= len(image) <= 150_000
        body, _ = multipart(image, context)
        assert len(body) < MIB


def test_upload_has_the_field_the_context_and_the_whole_picture() -> None:
    image = Texts(random.Random(1)).image(400)
    body, content_type = multipart(image, "profile")
    boundary = content_type.removeprefix("multipart/form-data; boundary=").encode()
    assert boundary not in image
    head, context, picture, tail = body.split(b"--" + boundary)
    assert head == b""
    assert context == b'\r\nContent-Disposition: form-data; name="context"\r\n\r\nprofile\r\n'
    assert picture == (
        b'\r\nContent-Disposition: form-data; name="image"; filename="sg.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        + image
        + b"\r\n"
    )
    assert tail == b"--\r\n"


def test_warmed_images_are_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    warm_images()
    monkeypatch.setattr(Image, "frombytes", None)  # making one now would throw
    texts = Texts(random.Random(2))
    for pixels in (400, 500):
        for _ in range(40):
            assert texts.image(pixels)
