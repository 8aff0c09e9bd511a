"""The git and DVC remotes that nodes and driver of a grid share: checks them, and pushes what cells need."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from m2m.grid.machines.call_limits import CALL_SECONDS, REFUSED, limit_calls
from m2m.grid.machines.patience import RemoteAway, wait_while_away
from m2m.grid.machines.remote_calls import redact
from m2m.grid.machines.remote_cell import MARKER, has_marker
from m2m.grid.queued_commit import QueuedCommit

SECRET_IN_URL = re.compile(r"https?://[^/@\s]+@|://[^/@\s]*:[^/@\s]+@")  # a token may stand as a user's name
REMOTE_PINS = Path("requirements/remotes.txt")
REMEDY = "Nothing is lost: run the same command again when the remote is back."
STUDY_FILES = ("data/prompts.parquet", "data/verdicts.parquet", "data/answers/{}.parquet")


class Snapshot(NamedTuple):
    """The files that cells run from: a commit in the git remote, under a ref of its own."""

    git: str
    head: str
    revision: str
    ref: str
    store: str = ""  # DVC's remote, where that is a folder: it has a file MARKER


def require_remotes() -> str:
    """The git remote's URL. ValueError where git or DVC has no remote that other machines can use."""
    process = subprocess.run(["git", "remote", "get-url", "origin"], capture_output=True, text=True, check=False)
    if process.returncode:
        raise ValueError(
            "This repository has no git remote `origin`, from which nodes clone it: run git remote add origin URL."
        )
    _require_dvc_remote()
    url = process.stdout.strip()
    if SECRET_IN_URL.search(url):
        raise ValueError(
            "The URL of git's remote `origin` contains a password or token. The cluster would store it: "
            "use ssh or a credential helper, and git remote set-url origin URL."
        )
    is_path = "://" not in url and not re.match(r"[^/]+:", url)
    return str(Path(url).resolve()) if is_path else url


def push_snapshot(url: str, commit: QueuedCommit) -> Snapshot:
    """Push the files of `commit`, and the data: that of shared stages no node computes again."""
    print("grid: pushes files and shared data to the remotes", flush=True)
    _, address = _read_dvc_remote()
    store = "" if "://" in address else address
    if store:
        (Path(store) / MARKER).touch()
    call_remote([sys.executable, "-m", "dvc", "push"], "dvc push")
    ref = f"refs/m2m/{commit.revision[:12]}"
    call_git("push", "--quiet", url, f"{commit.revision}:{ref}")
    return Snapshot(url, commit.head, commit.revision, ref, store)


def fetch_study_files(revisions: Sequence[str]) -> None:
    """Fetch the answers and verdicts of these experiments into DVC's cache: what a study reads."""
    from dvc.repo import Repo

    arms = ("candidate", "opponent")
    targets = list(dict.fromkeys(file.format(arm) for file in STUDY_FILES for arm in arms))
    with Repo() as repo, _explain_missing():
        repo.fetch(targets, revs=list(revisions), workspace=False)


def _read_dvc_remote() -> tuple[str, str]:
    """The name and URL of the default remote that is committed; empty where none is."""
    committed = ConfigParser(interpolation=None)  # DVC's own reader makes a relative path absolute
    committed.read(".dvc/config")
    name = committed.get("core", "remote", fallback="")
    return name, committed.get(f"'remote \"{name}\"'", "url", fallback="")


def _require_dvc_remote() -> None:
    name, url = _read_dvc_remote()
    if not url:
        raise ValueError(
            "The committed .dvc/config names no default remote, over which machines exchange data: "
            "run dvc remote add --default NAME URL, and commit .dvc/config."
        )
    if "://" not in url and not Path(url).is_absolute():
        raise ValueError(
            f"DVC's remote {name} is the relative path {url}. Clones on other machines would not find it: "
            f"run dvc remote modify {name} url PATH, with an absolute path or a URL."
        )
    if "://" not in url and not Path(url).is_dir():
        raise ValueError(
            f"DVC's remote {name} is {url}, which is no folder here, and dvc push would fill a new one: mount its "
            f"disk, or make it once with mkdir -p {url}."
        )
    _require_package(name, url)


def _require_package(name: str, url: str) -> None:
    from dvc_objects.fs import known_implementations, registry

    scheme = url.partition("://")[0]
    try:
        registry[scheme]
    except ImportError as error:
        package = known_implementations[scheme]["err"].split("'")[1]
        source = f"-r {REMOTE_PINS} -c constraints.txt" if package in REMOTE_PINS.read_text("utf-8") else package
        raise ValueError(
            f"DVC's remote {name} is {redact(url)}, which needs the package {package}, here and on every node: "
            f"run pip install {source}."
        ) from error


def call_git(*words: str) -> str:
    """What git answers, as `call_remote`."""
    return call_remote(["git", *words], f"git {words[0]}")


def require_marker(store: str) -> None:
    """Wait for the folder of DVC's remote that this driver marked; "" for a remote that is no folder."""

    def find() -> str:
        if not has_marker(store):
            raise RemoteAway(f"DVC's remote {store} is not here: {Path(store) / MARKER} is missing")
        return store

    wait_while_away(find, REMEDY)


def call_remote(words: Sequence[str], name: str) -> str:
    """What a command answers; again while it fails, since a remote may be away. RemoteAway with its reason in the end.

    Git and DVC send what a remote lacks, so that a try begins where the last one ended. OSError at once where the
    remote refuses this machine.
    """
    return wait_while_away(lambda: _call(words, name), REMEDY)


def _call(words: Sequence[str], name: str) -> str:
    variables = os.environ | limit_calls()
    try:
        process = subprocess.run(
            words, capture_output=True, text=True, check=False, env=variables, timeout=CALL_SECONDS, stdin=-3
        )
    except subprocess.TimeoutExpired:
        raise RemoteAway(f"{name} of the remote did not end in {CALL_SECONDS} s") from None
    reason = _shorten(process.stderr)
    if process.returncode and REFUSED.search(process.stderr):
        raise PermissionError(
            f"{name}: the remote refused this machine ({reason}). Give it a key that needs no password, and run the "
            "same command again."
        )
    if process.returncode:
        raise RemoteAway(f"{name} of the remote failed ({reason})")
    return process.stdout


def _shorten(text: str) -> str:
    """The last errors of many, such as one a file, or all that was said."""
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR: ")]
    return redact(" ".join(" ".join(errors[-2:] or lines).split()))


@contextmanager
def _explain_missing() -> Iterator[None]:
    from dvc.exceptions import DvcException

    try:
        yield
    except DvcException as error:
        print(f"grid: some answers could not be fetched, so their cells have no scores: {error}", flush=True)
