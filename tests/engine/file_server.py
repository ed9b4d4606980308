"""A real HTTP server on this machine that can fail in every way that a real one does."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What is served and how; change it while it runs. `requests` are the Range headers asked for.

    `drops_after`: bytes after which each connection breaks off. `waits_for`: set it to let the
    body go on after its first half.
    """

    content: bytes
    content_type: str = "application/octet-stream"
    status: int = 200
    drops_after: int | None = None
    ranges: bool = True
    waits_for: threading.Event | None = None
    claimed_length: int | None = None
    requests: list[str | None] = field(default_factory=list)
    address: str = ""

    def url(self, name: str = "pytorch_model.bin") -> str:
        return f"http://{self.address}/{name}"


@contextmanager
def serving(content: bytes) -> Iterator[FileServer]:
    """Serve `content` under every name until the block ends."""
    told = FileServer(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            told.requests.append(asked)
            if told.status != 200:
                self.send_error(told.status)
                return
            tag = f'"{hashlib.sha256(told.content).hexdigest()[:16]}"'
            start = 0
            if asked and told.ranges and self.headers.get("If-Range") == tag:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                if start >= len(told.content):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(told.content)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
            body = told.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Type", told.content_type)
            self.send_header("Content-Length", str(told.claimed_length or len(body)))
            if told.ranges:
                self.send_header("ETag", tag)
            self.end_headers()
            if told.drops_after is not None:
                body = body[: told.drops_after]
            half = len(body) // 2
            self.wfile.write(body[:half])
            self.wfile.flush()
            if told.waits_for:
                told.waits_for.wait(60)
            self.wfile.write(body[half:])

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # a client that was killed is no news
    told.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        if told.waits_for:
            told.waits_for.set()
        server.shutdown()
        server.server_close()
        thread.join()
