"""Says of a checkpoint that all of it is on the disk, and sets one aside that has changed since."""

import hashlib
import json
import sys
from pathlib import Path

from m2m.runtime.atomic_files import flush

COMPLETE = "complete"  # the manifest: size and hash of every file of the checkpoint
UNREAD = "training_args.bin"  # a pickle that no resume reads


def complete_checkpoint(checkpoint: Path) -> None:
    """Write every file of `checkpoint` through to the disk, then its manifest, in one step."""
    (checkpoint / UNREAD).unlink(missing_ok=True)
    (checkpoint / COMPLETE).unlink(missing_ok=True)
    manifest = _list_files(checkpoint)
    for path in [*(checkpoint / name for name in manifest), checkpoint]:
        flush(path)
    temporary = checkpoint / f".{COMPLETE}"
    temporary.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    flush(temporary)
    temporary.replace(checkpoint / COMPLETE)
    flush(checkpoint)


def set_aside_damaged(folder: Path) -> None:
    """Rename each checkpoint that is not as its manifest says, so that an older one is used; print a line for each."""
    for manifest in sorted(folder.glob(f"checkpoint-*/{COMPLETE}")):
        checkpoint = manifest.parent
        if not _is_whole(checkpoint):
            target = folder / f"damaged-{checkpoint.name}"
            number = sum(1 for _ in folder.glob(f"{target.name}*"))
            checkpoint.rename(target.with_name(f"{target.name}{f'.{number}' if number else ''}"))
            print(
                f"warning: {checkpoint} is damaged, so the training goes on from an older checkpoint or its start",
                file=sys.stderr,
            )


def _is_whole(checkpoint: Path) -> bool:
    try:
        manifest = json.loads((checkpoint / COMPLETE).read_text(encoding="utf-8"))
        return bool(manifest == _list_files(checkpoint))
    except (OSError, ValueError):
        return False


def _list_files(checkpoint: Path) -> dict[str, list[int | str]]:
    """Size and hash of each file by its name below `checkpoint`; a name with a dot in front is not one of them."""
    paths = sorted(path for path in checkpoint.rglob("*") if path.is_file() and path.name[0] != ".")
    files = [path for path in paths if path.name not in (COMPLETE, UNREAD)]
    return {str(path.relative_to(checkpoint)): [path.stat().st_size, _hash_file(path)] for path in files}


def _hash_file(path: Path) -> str:
    """Of all its bytes: a damaged middle of an optimizer would fail every resume. A core hashes 0.6 GB a second."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
