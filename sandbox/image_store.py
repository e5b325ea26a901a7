"""Decode and shrink pictures in a thread, and keep the results."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cachetools import LRUCache
from PIL import Image, UnidentifiedImageError

from sandbox.envelopes import RefusalError

_KEPT_AT_MOST_BYTES = 64 * 1024 * 1024
THUMBNAILS_PX = {"small": 150, "medium": 300, "large": 600}
_THUMBNAIL_AT_LEAST_BYTES = 1024  # flat-colour pictures shrink below it and are refused (contract 6.2.1)
_JPEG_QUALITY = 85
MIME_TYPES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a context accepts: sizes in pixels, both ends included."""

    width_px: tuple[int, int]
    height_px: tuple[int, int]
    gif: bool = False


CONTEXTS = {
    "profile": _Rule((100, 2000), (100, 2000)),
    "cover": _Rule((400, 3000), (200, 1500)),
    "listing": _Rule((200, 2000), (200, 2000), gif=True),
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as sent, with its declared type and what it is for."""

    content: bytes
    mime: str
    context: str


@dataclass(frozen=True, slots=True)
class Made:
    """A decoded upload and its JPEGs by file name."""

    width_px: int
    height_px: int
    files: dict[str, bytes]


class ImageStore:
    """One worker thread for pictures, and the JPEGs it made, the least used dropped past 64 MiB."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="images")
        self._files: LRUCache[tuple[str, str], bytes] = LRUCache(_KEPT_AT_MOST_BYTES, getsizeof=len)

    async def make(self, upload: Upload) -> Made:
        """Decode and shrink in the worker, so that other requests go on."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, _make, upload)

    def keep(self, image_id: str, made: Made) -> None:
        """Keep the JPEGs of an image under its id."""
        for name, content in made.files.items():
            self._files[image_id, name] = content

    def find(self, image_id: str, name: str) -> bytes | None:
        """Return a JPEG, None if there is none or it was dropped."""
        found: bytes | None = self._files.get((image_id, name))
        return found

    def close(self) -> None:
        """Stop the worker after what it is doing."""
        self._worker.shutdown(cancel_futures=True)


def _make(upload: Upload) -> Made:
    """Decode an upload and encode it again in four sizes; raises 400 IMAGE_VALIDATION_ERROR."""
    rule = CONTEXTS[upload.context]
    try:
        with Image.open(io.BytesIO(upload.content), formats=[MIME_TYPES[upload.mime]]) as source:
            if not _fits(source.width, rule.width_px) or not _fits(source.height, rule.height_px):
                raise _invalid(f"{source.width}x{source.height} pixels are outside the limits of {upload.context}")
            if source.format == "GIF" and not rule.gif:
                raise _invalid(f"GIF is not accepted for {upload.context}")
            picture = source.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise _invalid("File is not a readable image of its type") from error
    files = {"main.jpg": _jpeg(picture)}
    for name, edge_px in THUMBNAILS_PX.items():
        thumbnail = picture.copy()
        thumbnail.thumbnail((edge_px, edge_px))
        files[f"{name}.jpg"] = _jpeg(thumbnail)
    if any(len(content) < _THUMBNAIL_AT_LEAST_BYTES for content in files.values()):
        raise _invalid("Image holds too little detail")
    return Made(picture.width, picture.height, files)


def _jpeg(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return target.getvalue()


def _fits(value_px: int, limits_px: tuple[int, int]) -> bool:
    return limits_px[0] <= value_px <= limits_px[1]


def _invalid(message: str) -> RefusalError:
    return RefusalError(400, "IMAGE_VALIDATION_ERROR", message)
