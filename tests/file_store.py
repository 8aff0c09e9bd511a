"""A store of files behind HTTP, on loopback, that dies in the middle of a transfer when it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any


class FileStore(ThreadingHTTPServer):
    """Serves `folder` at `port`; in transfer number `last` + 1, and in all later ones, it hangs up half-way."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, folder: Path, port: int = 0, last: int = 10**9) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.folder, self.last, self.count, self.lock = folder, last, 0, Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def is_dying(self) -> bool:
        with self.lock:
            self.count += 1
            return self.count > self.last

    def handle_error(self, *_: Any) -> None:
        """A client that hung up is no news."""


@contextmanager
def serve_files(folder: Path, port: int = 0, last: int = 10**9) -> Iterator[FileStore]:
    """A store that runs while the block does."""
    store = FileStore(folder, port, last)
    thread = Thread(target=store.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        store.shutdown()
        store.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileStore

    @property
    def file(self) -> Path:
        return self.server.folder / self.path.lstrip("/")

    def do_HEAD(self) -> None:
        is_there = self.file.is_file()
        self._answer(200 if is_there else 404, self.file.stat().st_size if is_there else 0)

    def do_GET(self) -> None:
        if not self.file.is_file():
            return self._answer(404, 0)
        raw = self.file.read_bytes()
        self._answer(200, len(raw))
        self.close_connection = self.server.is_dying()
        self.wfile.write(raw[: len(raw) // 2] if self.close_connection else raw)
        return None

    def do_PUT(self) -> None:
        self.close_connection = self.server.is_dying()
        if not self.close_connection:
            raw = b"".join(iter(self._read_chunk, b""))
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_bytes(raw)
            self._answer(201, 0)

    def _read_chunk(self) -> bytes:
        raw = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return raw

    def _answer(self, status: int, size: int) -> None:
        self.send_response(status)
        self.send_header("content-length", str(size))
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
