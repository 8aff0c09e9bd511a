"""What params.yaml says of one source of evaluation prompts, and the records that it holds."""

from dataclasses import asdict, dataclass, replace
from typing import Literal

from m2m.data.records.hf_datasets import fetch_file, resolve_revision
from m2m.data.records.read_files import SourceRecord, read_files
from m2m.data.records.source_fields import check_fields


@dataclass(frozen=True)
class Benchmark:
    """One entry of `benchmark.sources`; a field that its kind does not read is refused."""

    kind: Literal["heldout", "files", "hub"] | None = None
    limit: int | None = None  # prompts at most, picked by hash; None: all
    path: str | None = None  # files: one file, a folder or a glob; hub: a file inside the repository
    answers: str | None = None  # files, hub: a file with a baseline's answers by uid (Arena-Hard); None: none
    id: str | None = None  # hub: data set repository, or a local folder laid out like it
    revision: str | None = None  # hub: commit hash, branch or tag
    reference: Literal["own", "baseline"] | None = (
        None  # files, hub: own (None): the record's; or the baseline's answer
    )


BENCHMARK_FIELDS = {  # the fields that each kind reads
    "heldout": {"limit"},
    "files": {"limit", "path", "answers", "reference"},
    "hub": {"limit", "path", "answers", "reference", "id", "revision"},
}


def check_benchmark(name: str, source: Benchmark) -> None:
    """ValueError where the benchmark has no kind, or a field of another kind."""
    check_fields(name, asdict(source), asdict(Benchmark()), BENCHMARK_FIELDS)


def resolve_benchmark(source: Benchmark) -> Benchmark:
    """The same source; of a hub repository, the revision is the commit that it names today. OSError if unreachable."""
    if source.kind != "hub" or not source.id:
        return source
    return replace(source, revision=resolve_revision(source.id, source.revision or ""))


def read_benchmark(source: Benchmark) -> tuple[list[SourceRecord], list[SourceRecord]]:
    """The records of prompts, and those of the baseline's answers, of a source of kind files or hub."""
    if not source.path or (source.kind == "hub" and not source.id):
        raise ValueError("a benchmark of kind files needs path, one of kind hub needs id and path (a file inside it)")
    paths = [source.path, *([source.answers] if source.answers else [])]
    if source.kind == "hub" and source.id:
        paths = [str(fetch_file(source.id, path, source.revision or "")) for path in paths]
    records = [list(read_files(path)) for path in paths]
    return records[0], records[1] if source.answers else []
