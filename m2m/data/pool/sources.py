"""What params.yaml says of one source of rows, and the records that its files or its hub repository hold."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Literal

from m2m.data.records.hf_datasets import read_dataset, resolve_revision
from m2m.data.records.read_files import SourceRecord, read_files
from m2m.data.records.record_formats import Turns
from m2m.data.records.source_fields import check_fields


@dataclass(frozen=True)
class Source:
    """One entry of `ingest.sources`; a field that its kind does not read is refused."""

    kind: Literal["docstrings", "files", "hub"] | None = None
    limit: int | None = None  # rows kept at most, picked by hash; 0 keeps none; None keeps all
    packages: tuple[str, ...] = ()  # docstrings: installed top-level packages
    path: str | None = None  # files: one file, a folder or a glob
    id: str | None = None  # hub: repository, or a local folder
    revision: str | None = None  # hub: commit hash, branch or tag
    config: str | None = None  # hub: configuration; None: the only one
    split: str = "train"  # hub
    rows: int | None = None  # hub: rows read at most, from the start; None: all
    licence: str | None = None  # files, hub: as its owner states it, for the data card of an export
    prompt_column: str | None = None  # files, hub; None: detected from the rows
    response_column: str | None = None  # files, hub; the same as prompt_column where one column holds the turns
    turns: Turns = "first"  # files, hub: which exchange of a dialogue becomes a row: first, last or each


SHARED_FIELDS = {"limit", "licence", "prompt_column", "response_column", "turns"}
KIND_FIELDS = {  # the fields that each kind reads
    "docstrings": {"limit", "packages"},
    "files": SHARED_FIELDS | {"path"},
    "hub": SHARED_FIELDS | {"id", "revision", "config", "split", "rows"},
}


def check_source(name: str, source: Source) -> None:
    """ValueError where the source has no kind, a field of another kind, or one of two columns."""
    check_fields(name, asdict(source), asdict(Source()), KIND_FIELDS)
    if (source.prompt_column is None) != (source.response_column is None):
        raise ValueError(f"source {name!r} names one of prompt_column and response_column: name both, or neither")


def resolve_source(source: Source) -> Source:
    """The same source; of a hub data set, the revision is the commit that it names today. OSError without a network."""
    if source.kind != "hub" or not source.id:
        return source
    return replace(source, revision=resolve_revision(source.id, source.revision or ""))


def read_records(source: Source) -> Iterator[SourceRecord]:
    """The records of a source of kind files or hub. ValueError when it does not say which."""
    if source.kind == "files":
        if not source.path:
            raise ValueError("a source of kind files needs path: a file, a folder, or a pattern such as data/*.jsonl")
        return read_files(source.path)
    if not source.id:
        raise ValueError("a source of kind hub needs id: a data set repository such as owner/name, or a local folder")
    return read_dataset(source.id, source.config or "", source.split, source.revision or "", source.rows)
