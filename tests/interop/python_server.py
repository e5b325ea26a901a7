"""A Socket.IO server of python-socketio for the interop tests, on a free port it writes to a file.

python python_server.py READY_FILE [--certificate FILE --key FILE] [--polling-only] [--msgpack] [--ping SECONDS]
"""

import argparse
import asyncio
import socket
from pathlib import Path
from typing import Any

import socketio
import uvicorn

BIG = "x" * 100_000


def build(arguments: argparse.Namespace) -> Any:  # noqa: C901  # one small handler after the other
    more: dict[str, Any] = {"serializer": "msgpack"} if arguments.msgpack else {}
    if arguments.polling_only:
        more["transports"] = ["polling"]
    server = socketio.AsyncServer(
        async_mode="asgi", ping_interval=arguments.ping, ping_timeout=arguments.ping,
        namespaces=["/", "/other", "/closed"], **more,
    )  # fmt: skip

    @server.on("connect")
    async def connect(_sid: str, _environ: Any, auth: Any) -> None:
        if isinstance(auth, dict) and auth.get("refuse"):
            raise socketio.exceptions.ConnectionRefusedError("not today")

    @server.on("connect", namespace="/other")
    async def connect_other(_sid: str, _environ: Any, _auth: Any) -> None:
        pass

    @server.on("connect", namespace="/closed")
    async def connect_closed(_sid: str, _environ: Any, _auth: Any) -> None:
        raise socketio.exceptions.ConnectionRefusedError("members only")

    async def echo(_sid: str, *args: Any) -> tuple[Any, ...]:
        return args

    server.on("echo", echo)
    server.on("echo", echo, namespace="/other")

    @server.on("say")
    async def say(sid: str, name: str, *args: Any) -> None:
        await server.emit(name, args, to=sid)  # a tuple is several arguments

    @server.on("big")
    async def big(sid: str) -> None:
        await server.emit("big", {"text": BIG}, to=sid)

    @server.on("ask")
    async def ask(sid: str) -> None:
        answer = await server.call("question", {"n": 1}, to=sid, timeout=3)
        await server.emit("answered", {"answer": answer}, to=sid)

    @server.on("bytes")
    async def some_bytes(sid: str) -> None:
        await server.emit("bytes", b"\x00\x01", to=sid)

    @server.on("end")
    async def end(sid: str) -> None:
        await server.disconnect(sid)

    @server.on("hang up")
    async def hang_up(sid: str) -> None:
        await server.eio.disconnect(server.manager.eio_sid_from_sid(sid, "/"))

    return socketio.ASGIApp(server)


async def serve(arguments: argparse.Namespace) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        build(arguments), log_level="error", lifespan="off", ws="websockets-sansio",
        ssl_certfile=arguments.certificate, ssl_keyfile=arguments.key,
    )  # fmt: skip
    arguments.ready.with_suffix(".tmp").write_text(str(listening.getsockname()[1]), "utf-8")
    arguments.ready.with_suffix(".tmp").rename(arguments.ready)
    await uvicorn.Server(config).serve(sockets=[listening])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ready", type=Path)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--polling-only", action="store_true")
    parser.add_argument("--msgpack", action="store_true")
    parser.add_argument("--ping", type=float, default=25.0)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
