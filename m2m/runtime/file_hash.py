"""The hash by which DVC knows a file."""

import hashlib
from pathlib import Path


def compute_md5(path: Path) -> str:
    """The hash that DVC locks for a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
