"""Answer the image routes: take uploads apart and hand out what was made of them."""

from collections.abc import AsyncGenerator

import orjson
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from sandbox.call import Call
from sandbox.envelopes import RefusalError, Reply, iso
from sandbox.image_store import CONTEXTS, MIME_TYPES, THUMBNAILS_PX, Made, Upload
from sandbox.shop import Shop


async def upload(shop: Shop, call: Call) -> Reply:
    """Store an image of the caller (201).

    A request without a file is refused before its token is looked at: that is the health check of this service, and it
    must work for a prober without an account.
    """
    form, made = await decode(shop, call)
    image_id = shop.new_id()
    shop.images.keep(image_id, made)
    base = f"http://{call.host}/cdn/{image_id}"
    size_bytes = len(made.files["main.jpg"])
    return Reply(
        {
            "id": image_id,
            "originalUrl": f"{base}/main.jpg",
            "cdnUrl": f"{base}/main.jpg",
            "thumbnails": {name: f"{base}/{name}.jpg" for name in THUMBNAILS_PX},
            "metadata": {
                "width": made.width_px,
                "height": made.height_px,
                "size": size_bytes,
                "format": "jpeg",
                "originalSize": len(form.content),
                "compressionRatio": round(len(form.content) / size_bytes, 3),
            },
            "context": form.context,
            "createdAt": iso(call.now_ms),
        },
        201,
        message="Image uploaded successfully",
    )


async def decode(shop: Shop, call: Call) -> tuple[Upload, Made]:
    """Return what was sent and the JPEGs made of it; raises the refusals of an upload."""
    form = await _read_form(call)
    shop.tokens.caller(call.authorization)
    return form, await shop.images.make(form)


def show(shop: Shop, call: Call) -> Reply:
    """Return a stored JPEG; 404 when it is gone."""
    content = shop.images.find(call.params["id"], call.params["file"])
    if content is None:
        raise RefusalError(404, "IMAGE_NOT_FOUND", "Image not found")
    return Reply(content, content_type="image/jpeg")


async def _read_form(call: Call) -> Upload:
    if not call.raw or "multipart/form-data" not in call.content_type:
        raise RefusalError(400, "NO_FILE", "No image file provided")

    async def stream() -> AsyncGenerator[bytes, None]:
        yield call.raw

    try:
        form = await MultiPartParser(Headers({"content-type": call.content_type}), stream()).parse()
    except (MultiPartException, KeyError) as error:
        raise RefusalError(400, "FILE_UPLOAD_ERROR", "Request is not valid multipart form data") from error
    files = {name: value for name, value in form.multi_items() if isinstance(value, UploadFile)}
    if not files:
        raise RefusalError(400, "NO_FILE", "No image file provided")
    if files.keys() != {"image"}:
        raise RefusalError(400, "FILE_UPLOAD_ERROR", "Unexpected field")
    content, mime = await files["image"].read(), files["image"].content_type or ""
    await form.close()
    if mime not in MIME_TYPES:
        raise RefusalError(500, "INTERNAL_ERROR", "Invalid file type. Only JPEG, PNG, WebP, and GIF are allowed.")
    context, metadata = form.get("context"), form.get("metadata")
    if not isinstance(context, str) or context not in CONTEXTS:
        raise RefusalError(400, "INVALID_CONTEXT", f"context must be one of {', '.join(CONTEXTS)}")
    if isinstance(metadata, str):
        try:
            orjson.loads(metadata)
        except orjson.JSONDecodeError as error:
            raise RefusalError(500, "UPLOAD_ERROR", "metadata is not valid JSON") from error
    return Upload(content, mime, context)
