"""Finds params.yaml and lock files that a kill or a full disk cut short, keeps them, and restores whole ones."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import move
from typing import Any

import yaml

from m2m.preflight.dvc_locks import hold_lock
from m2m.runtime.atomic_files import replace_file
from m2m.runtime.settings import COPIES_FOLDER

PARAMS_FILE, STAGE_LOCKS = Path("params.yaml"), (Path("dvc.lock"), Path("metrics/dvc.lock"))
KEPT_FOLDER = Path(".cache/kept")  # what was torn
DVC_LOCK = Path(".dvc/tmp/lock")
CONFLICT = re.compile(rb"^<<<<<<< ", re.MULTILINE)  # of a merge, which is a person's to end


def restore_torn_files() -> Iterator[str]:
    """A sentence for each file of this folder that was torn, after it has been kept and restored.

    DVC writes dvc.lock in place, and holds its lock meanwhile. ValueError when another command holds it for seconds.
    """
    for path in (PARAMS_FILE, *STAGE_LOCKS):
        if not _is_torn(path):
            continue
        refusal = f"{path} is incomplete, and a DVC command is at work here. Wait until it ends."
        try:
            with hold_lock(DVC_LOCK, refusal):
                if _is_torn(path):
                    yield f"{path} was incomplete, as after a kill or on a full disk. {_restore(path)}"
        except ValueError:
            if _is_torn(path):  # else the command that holds the lock has written it to its end meanwhile
                raise


def copy_whole_files() -> None:
    """Keep a copy of each file that is whole, and the copy before it, for a later restore. OSError on a full disk."""
    for path in (PARAMS_FILE, *STAGE_LOCKS):
        if path.exists() and not _is_copied(path) and _is_complete(text := path.read_bytes(), path):
            copy, older = _name_copies(path)
            if copy.exists():
                copy.replace(older)
            with replace_file(copy) as temporary:
                temporary.write_bytes(text)


def keep_file(path: Path) -> Path:
    """Move `path` to a new name in KEPT_FOLDER; return that."""
    KEPT_FOLDER.mkdir(parents=True, exist_ok=True)
    names = (KEPT_FOLDER / f"{path.name}.{number}" for number in range(1, 10_000))
    free = next(name for name in names if not name.exists())
    move(path, free)  # .cache may lie on another disk
    return free


def _name_copies(path: Path) -> tuple[Path, Path]:
    """The copy of what was found whole last, and the one before it."""
    copy = COPIES_FOLDER / path
    return copy, copy.with_name(f"{copy.name}.1")


def _is_torn(path: Path) -> bool:
    """Whether `path` is cut short: settings without any, a lock that ends within a line or is no mapping of stages.

    Settings that are wrong in another way are a person's, and are never replaced.
    """
    if not path.exists():
        return path == PARAMS_FILE
    if _is_copied(path):
        return False
    text = path.read_bytes()
    return not CONFLICT.search(text) and not _is_whole(text, path)


def _is_copied(path: Path) -> bool:
    """Whether the copy has the same bytes: only whole files are copied, and parsing dvc.lock takes 0.1 s."""
    copy, _ = _name_copies(path)
    return copy.exists() and copy.read_bytes() == path.read_bytes()


def _has_stages(text: bytes) -> bool:
    try:
        lock: Any = yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError):
        return False
    stages = lock.get("stages") if isinstance(lock, dict) else None
    return isinstance(stages, dict) and all(map(_is_stage, stages.values()))


def _is_stage(stage: Any) -> bool:
    """Whether DVC's schema takes it: it refuses a list that was cut after its name."""
    if not (isinstance(stage, dict) and "cmd" in stage and isinstance(stage.get("params", {}), dict)):
        return False
    files = [stage.get(kind, []) for kind in ("deps", "outs")]
    return all(isinstance(listed, list) and all(_is_file(file) for file in listed) for listed in files)


def _is_file(entry: Any) -> bool:
    return isinstance(entry, dict) and bool(entry.get("path")) and None not in entry.values()


def _restore(path: Path) -> str:
    """Keep `path` under another name, and write the last whole one; a sentence with both."""
    note = f" What was there is {keep_file(path)}." if path.exists() else ""
    for copy in _name_copies(path):
        if copy.exists() and _is_complete(text := copy.read_bytes(), path):
            source = f"the last command's copy, {copy}"
            break
    else:
        committed = subprocess.run(["git", "show", f"HEAD:{path}"], capture_output=True, check=False)
        text, source = committed.stdout, "the last commit"
    if not text:
        return f"No whole one was found, so it is removed.{note}"
    with replace_file(path) as temporary:
        temporary.write_bytes(text)
    return f"It is restored from {source}.{note}"


def _is_whole(text: bytes, path: Path) -> bool:
    """Whether `text`, what `path` or its copy holds, may stand there."""
    return bool(text.strip(b" \n\0")) if path == PARAMS_FILE else text.endswith(b"\n") and _has_stages(text)


def _is_complete(text: bytes, path: Path) -> bool:
    """Whether `text` may be a copy of `path`: settings that parse and have all keys, or a whole lock."""
    return _has_all_settings(text) if path == PARAMS_FILE else _is_whole(text, path)


def _has_all_settings(text: bytes) -> bool:
    from m2m.grid.params.known_settings import list_missing_settings

    try:
        settings = yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError):
        return False
    return isinstance(settings, dict) and not list_missing_settings(settings)
