"""Make what sellers type and upload; recognisable, and never anything the content screen refuses."""

import io
import random
from functools import cache
from typing import Any, Final

from PIL import Image

PREFIX: Final = "SG"
"""Every store name and title begins with it, so that an operator can find and remove what a run made."""
CURRENCIES: Final = ("ETH", "USDC", "DAI", "USD")
CATEGORIES: Final = ("art", "music", "electronics", "fashion", "books", "sports", "jewelry", "toys")
"""Slugs the product knows (contract.md 10.3); unknown ones would be created on the fly and can collide."""

# No word here is an SQL verb, and none joins with another field to one (contract.md 10.4: the check runs over the
# whole body, so "select" in a title and "from" in a description combine).
_THINGS: Final = ("lamp", "bowl", "poster", "scarf", "vase", "print", "clock", "stool", "mug", "ring", "puzzle", "kite")
_LOOKS: Final = ("amber", "quiet", "woven", "glazed", "carved", "striped", "tall", "soft", "bright", "matte", "folded")
_SENTENCES: Final = (
    "Made by hand in a small workshop.",
    "Ships in two days with tracking.",
    "Each piece is a little different.",
    "Care: wipe with a dry cloth.",
    "Limited run, numbered on the back.",
    "Materials are listed on the label.",
    "Questions are answered the same day.",
)
_VARIANTS: Final = 8
"""Different images of one size in a process; noise is made once, for making it costs more than sending it."""


class Texts:
    """What one seller types, from that seller's own random generator: same seed, same words."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def _mark(self) -> str:
        return f"{self._rng.randrange(16**8):08x}"

    def store_name(self) -> str:
        """Return a new store name."""
        return f"{PREFIX} {self._rng.choice(_LOOKS)} {self._rng.choice(_THINGS)} shop {self._mark()}"

    def sentence(self) -> str:
        """Return a few sentences of description, told apart by a mark."""
        return " ".join(self._rng.sample(_SENTENCES, 3)) + f" Ref {self._mark()}."

    def social_links(self) -> dict[str, str]:
        """Return a whole set of links."""
        name = f"sg{self._mark()}"
        return {"twitter": name, "discord": name, "telegram": name, "website": f"https://shop.example/{name}"}

    def listing(self, wallet: str) -> dict[str, Any]:
        """Return the body of a new listing of `wallet` (lower case)."""
        return {
            "walletAddress": wallet,
            "title": f"{PREFIX} {self._rng.choice(_LOOKS)} {self._rng.choice(_THINGS)} {self._mark()}",
            "description": self.sentence(),
            "price": self.price(),
            "currency": self._rng.choice(CURRENCIES),
            "categoryId": self._rng.choice(CATEGORIES),
            "inventory": self._rng.randint(1, 50),
            "tags": ["sellergate", self._rng.choice(_LOOKS)],
        }

    def price(self) -> str:
        """Return a price as text with 8 decimals, as the product stores it."""
        return f"{self._rng.randint(1, 400)}.{self._rng.randrange(10**8):08d}"

    def tracking_number(self) -> tuple[str, str]:
        """Return (carrier, a number of the form that carrier uses; contract.md 10.7)."""
        carrier = self._rng.choice(("UPS", "FEDEX", "DHL", "USPS"))
        digits = {"FEDEX": 12, "DHL": 10, "USPS": 22}
        if carrier == "UPS":
            return carrier, "1Z" + f"{self._rng.randrange(10**16):016d}"
        return carrier, "".join(self._rng.choice("0123456789") for _ in range(digits[carrier]))

    def image(self, pixels: int) -> bytes:
        """Return a square noise JPEG: flat colour would compress to a thumbnail the product refuses."""
        return _noise_jpeg(pixels, self._rng.randrange(_VARIANTS))


@cache
def _noise_jpeg(pixels: int, variant: int) -> bytes:
    noise = random.Random(f"{pixels}/{variant}").randbytes(pixels * pixels * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (pixels, pixels), noise).save(out, "JPEG", quality=30)
    return out.getvalue()


def warm_images() -> None:
    """Make every image now: doing it while sellers run would hold up all of them."""
    for pixels in (400, 500):
        for variant in range(_VARIANTS):
            _noise_jpeg(pixels, variant)


def multipart(image: bytes, context: str) -> tuple[bytes, str]:
    """Return (body, content type) of an upload: field `image` and text field `context`."""
    boundary = "sellergate-7MA4YWxkTrZu0gW"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="context"\r\n\r\n{context}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="sg.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + image + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
