"""A file's bytes: unpacked where gzip or zstd packed them, and named where they are no data."""

import codecs
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

SAMPLE_BYTES = 2**20
CHUNK_BYTES = 4096  # of a packed file: zstd makes at most 128 MiB of them
FREE_BYTES = 2**30  # a packed file may always become so large, and beyond it
MAX_RATIO = 100  # times its packed size; real text reaches 20
PACKINGS = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}
ENCODINGS = ["gb18030", "big5", "shift_jis", "euc_kr", "cp1251", "cp1252"]
FOREIGN_MARKS = (  # first bytes, in lower case, and what they mean
    (b"version https://git-lfs.github.com/spec/", "is a Git LFS pointer, not the data: run `git lfs pull`"),
    (b"<!doctype html", "is a web page, not the data: download the file itself (on a hub, its raw or resolve address)"),
    (b"<html", "is a web page, not the data: download the file itself (on a hub, its raw or resolve address)"),
    (b"pk\x03\x04", "is a zip archive or an Excel workbook: unpack it, or save it as CSV"),
    (b"bzh", "is packed with bzip2: unpack it, or pack it as .gz or .zst"),
    (b"\xfd7zxz\0", "is packed with xz: unpack it, or pack it as .gz or .zst"),
)


def open_unpacked(path: Path) -> BinaryIO:
    """The bytes of `path`; gzip and zstd are unpacked, whatever the name. Reading raises where packed data is cut."""
    packing = detect_packing(path)
    if packing == ".gz":
        return io.BufferedReader(gzip.open(path))
    file = path.open("rb")
    return _buffer_chunks(file, _decompress(file)) if packing == ".zst" else file


def detect_packing(path: Path) -> str:
    """`.gz`, `.zst` or "", by the first bytes, else by the name."""
    with path.open("rb") as file:
        magic = file.read(4)
    by_content = next((suffix for suffix, mark in PACKINGS.items() if magic.startswith(mark)), "")
    return by_content or (path.suffix.lower() if path.suffix.lower() in PACKINGS else "")


def check_unpacked(path: Path) -> None:
    """Reads a packed file to its end: ValueError when it becomes too large, an error of its library when it is cut."""
    limit, size = get_byte_limit(path), 0
    with open_unpacked(path) as stream:
        while chunk := stream.read(SAMPLE_BYTES):
            size += len(chunk)
            if size > limit:
                raise ValueError(f"it unpacks to more than {limit:,} bytes; unpack it yourself if that is right")


def get_byte_limit(path: Path) -> int:
    """How many bytes the contents of a packed file may have."""
    return max(FREE_BYTES, MAX_RATIO * path.stat().st_size)


def recode(stream: BinaryIO, encoding: str) -> BinaryIO:
    """The text of `stream` in UTF-8. Reading raises UnicodeDecodeError where it is not in `encoding`."""
    return _buffer_chunks(stream, _recode(stream, encoding))


def explain_foreign(sample: bytes) -> str | None:
    """What a file is that holds no records, by its first bytes, with the remedy.

    >>> explain_foreign(b"<!DOCTYPE html><title>Sign in</title>")[:27]
    'is a web page, not the data'
    """
    start = sample[:200].lstrip().lower()
    return next((meaning for mark, meaning in FOREIGN_MARKS if start.startswith(mark)), None)


def explain_encoding(sample: bytes) -> str | None:
    """A sentence for a text of which at least half of the lines are not UTF-8; None where a few are invalid."""
    lines = [line for line in sample.split(b"\n") if line.strip()]
    invalid = sum(not _is_utf8(line) for line in lines)
    accented = sum(not line.isascii() for line in lines) - invalid
    if invalid < 2 or 2 * invalid < len(lines) - 1 or invalid < 10 * accented:  # the header may be ASCII
        return None
    from charset_normalizer import from_bytes

    best = from_bytes(sample[:20_000], cp_isolation=ENCODINGS).best()
    guess = best.encoding if best else "another encoding"
    return f"is not UTF-8 but perhaps {guess}: convert it, for example with `iconv -f {guess} -t UTF-8 OLD > NEW`"


def _recode(stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    while data := stream.read(SAMPLE_BYTES):
        yield decoder.decode(data).encode()
    yield decoder.decode(b"", final=True).encode()


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


class _Chunks(io.RawIOBase):
    """Bytes that are made from those of `file` chunk by chunk."""

    def __init__(self, file: BinaryIO, chunks: Iterator[bytes]) -> None:
        self._file = file
        self._chunks = chunks
        self._chunk = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._chunk:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._chunk = memoryview(chunk)
        size = min(len(buffer), len(self._chunk))
        buffer[:size], self._chunk = self._chunk[:size], self._chunk[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


def _buffer_chunks(file: BinaryIO, chunks: Iterator[bytes]) -> BinaryIO:
    return io.BufferedReader(_Chunks(file, chunks), SAMPLE_BYTES)  # type: ignore[type-var]


def _decompress(file: BinaryIO) -> Iterator[bytes]:
    """The frames of a zstd file, each to its end: the library's own reader takes a cut one for a short one."""
    frame = None
    while data := file.read(CHUNK_BYTES):
        while data:
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            yield frame.decompress(data)
            frame, data = (None, frame.unused_data) if frame.eof else (frame, b"")
    if frame:
        raise EOFError("the file ends in the middle of a zstd frame")
