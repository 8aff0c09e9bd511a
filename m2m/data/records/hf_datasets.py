"""Data sets of the Hugging Face hub, or folders that are laid out like one → records; files of a repository → paths."""

import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from m2m.data.records.read_files import SourceRecord

COMMIT = re.compile(r"[0-9a-f]{40}")


def read_dataset(id: str, config: str, split: str, revision: str, rows: int | None) -> Iterator[SourceRecord]:
    """The first `rows` records (None: all) of a data set, streamed; code of the repository is never run.

    OSError, one sentence, when it cannot be read.
    """
    import datasets

    commit = resolve_revision(id, revision)
    try:
        _check_reachable(id, commit)
        stream = datasets.load_dataset(id, config or None, split=split, revision=commit, streaming=True)
        for row, value in enumerate(islice(stream, rows)):
            yield SourceRecord(row, value, place=row)
    except Exception as error:  # the network, the server, the libraries between: each has its own exceptions
        raise OSError(_describe_failure(id, revision, error)) from error


def fetch_file(id: str, path: str, revision: str) -> Path:
    """The file `path` of the data set repository, or folder, `id`. OSError, one sentence, when it is not to be had."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    if Path(id).is_dir():
        return Path(id) / path
    commit = resolve_revision(id, revision)
    cached = try_to_load_from_cache(id, path, revision=commit, repo_type="dataset")
    if isinstance(cached, str):
        return Path(cached)
    try:
        _check_reachable(id, commit)
        return Path(hf_hub_download(id, path, repo_type="dataset", revision=commit))
    except Exception as error:
        raise OSError(_describe_failure(f"{id}, file {path},", revision, error)) from error


def resolve_revision(id: str, revision: str) -> str | None:
    """The commit that `revision` names, printed where it is not one already; None for a folder, which has none."""
    from huggingface_hub import HfApi

    if Path(id).is_dir():
        return None
    if COMMIT.fullmatch(revision):
        return revision
    try:
        commit = HfApi().dataset_info(id, revision=revision or None, timeout=30).sha
    except Exception as error:
        raise OSError(_describe_failure(id, revision, error)) from error
    print(f"{id}: revision {revision or 'of today'} is commit {commit}; set it as revision to pin it", file=sys.stderr)
    return commit


def _check_reachable(id: str, commit: str | None) -> None:
    """Raises at once where the hub cannot be reached: the downloads themselves would try for half a minute."""
    from huggingface_hub import HfApi

    if commit:
        HfApi().dataset_info(id, revision=commit, timeout=30)


def _describe_failure(source: str, revision: str, error: Exception) -> str:
    first = " ".join(str(error).splitlines()[: 2 if isinstance(error, ValueError) else 1])  # datasets' own take two
    if Path(source).is_dir():
        return (
            f"folder {source} could not be read as a data set, see to config and split: {type(error).__name__}: {first}"
        )
    return (
        f"{source} at revision {revision or 'of today'} needs the Hugging Face hub (or HF_TOKEN, if it is not public), "
        f"which gave: {type(error).__name__}: {first}; without a network use a local folder as id, or kind: files"
    )
