"""What params.yaml says of one source of rows, and the records that its files or its hub repository hold."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Source:
    """One entry of `ingest.sources`; each kind reads its own fields only."""

    kind: Literal["docstrings", "files", "hub"] = "docstrings"
    limit: int | None = None  # rows kept at most, picked by hash; 0 keeps none; None keeps all
    packages: tuple[str, ...] = ()  # docstrings: installed top-level packages
    path: str = ""  # files: one file or a glob
    id: str = ""  # hub: repository, or a local folder
    revision: str = ""  # hub: commit hash, branch or tag
    config: str = ""  # hub: configuration; empty: the only one
    split: str = "train"  # hub
    rows: int | None = None  # hub: rows read at most, from the start; None: all
    prompt_column: str = ""  # files, hub: empty: told by looking at the rows
    response_column: str = ""
