"""The git and DVC remotes that nodes and driver of a grid share: checks them, pushes what cells need, fetches cells."""

import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from m2m.grid.machines.remote_cell import redact
from m2m.grid.queued_commit import write_snapshot

SECRET_IN_URL = re.compile(r"https?://[^/@\s]+@|://[^/@\s]*:[^/@\s]+@")  # a token may stand as a user's name
REMOTE_PINS = Path("requirements/remotes.txt")
REMOTE_PATIENCE, LONGEST_PAUSE = 600, 30  # seconds that a remote may be away, and between two tries
STUDY_FILES = ("data/prompts.parquet", "data/verdicts.parquet", "data/answers/{}.parquet")


class Snapshot(NamedTuple):
    """The files that cells run from: a commit in the git remote, under a ref of its own."""

    git: str
    head: str
    revision: str
    ref: str


class RemoteAway(OSError):
    """A remote did not answer."""


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


def push_snapshot(url: str) -> Snapshot:
    """Push the tracked files as they stand, and the data: that of shared stages no node computes again."""
    print("grid: pushes files and shared data to the remotes", flush=True)
    _call_remote([sys.executable, "-m", "dvc", "push"], "dvc push")
    commit = write_snapshot()
    ref = f"refs/m2m/{commit.revision[:12]}"
    _git("push", "--quiet", url, f"{commit.revision}:{ref}")
    return Snapshot(url, commit.head, commit.revision, ref)


def fetch_cells(url: str, names: Collection[str]) -> set[str]:
    """Fetch the experiments of these cells that the git remote has; their names."""
    refs = [line.split()[1] for line in _git("ls-remote", url, "refs/exps/*").splitlines()]
    present = [ref for ref in refs if ref.count("/") == 4 and ref.split("/")[4] in names]
    if present:
        _git("fetch", "--quiet", url, *(f"{ref}:{ref}" for ref in present))
    return {ref.split("/")[4] for ref in present}


def fetch_study_files(revisions: Sequence[str]) -> None:
    """Fetch the answers and verdicts of these experiments into DVC's cache: what a study reads."""
    from dvc.repo import Repo

    arms = ("candidate", "opponent")
    targets = list(dict.fromkeys(file.format(arm) for file in STUDY_FILES for arm in arms))
    with Repo() as repo, _explain_missing():
        repo.fetch(targets, revs=list(revisions), workspace=False)


def _require_dvc_remote() -> None:
    committed = ConfigParser(interpolation=None)  # DVC's own reader makes a relative path absolute
    committed.read(".dvc/config")
    name = committed.get("core", "remote", fallback="")
    url = committed.get(f"'remote \"{name}\"'", "url", fallback="")
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


def _git(*words: str) -> str:
    return _call_remote(["git", *words], f"git {words[0]}")


def _call_remote(words: Sequence[str], name: str) -> str:
    """What a command answers; again while it fails, since a remote may be away. RemoteAway with its reason in the end.

    Git and DVC send what a remote lacks, so that a try begins where the last one ended.
    """
    patient = Retrying(
        retry=retry_if_exception_type(RemoteAway),
        wait=wait_exponential(max=LONGEST_PAUSE),
        stop=stop_after_delay(REMOTE_PATIENCE),
        before_sleep=_report_first_failure,
        reraise=True,
    )
    try:
        return str(patient(_call, words, name))
    except RemoteAway as error:
        remedy = "Nothing is lost: run the same command again when the remote is back."
        raise RemoteAway(f"{error} for {REMOTE_PATIENCE} s. {remedy}") from None


def _call(words: Sequence[str], name: str) -> str:
    process = subprocess.run(words, capture_output=True, text=True, check=False)
    if process.returncode:
        raise RemoteAway(f"{name} of the remote failed ({_shorten(process.stderr)})")
    return process.stdout


def _report_first_failure(state: RetryCallState) -> None:
    if state.attempt_number == 1 and state.outcome:
        print(f"grid: {state.outcome.exception()}, and is tried again for {REMOTE_PATIENCE} s", flush=True)


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
