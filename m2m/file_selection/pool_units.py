"""Makes from a pool what strategies choose by: tokens, vectors and units, each only when it is asked for."""

import sys
from collections.abc import Callable
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from jaxtyping import Float32

from m2m.data.records.word_windows import explain_unspaced
from m2m.file_selection.unit_settings import UnitSettings
from m2m.selection.arm import PoolRows
from m2m.strategies import get_strategy
from m2m.text.pool_tokens import tokenize_pool
from m2m.text.tokenize import Tokenized, label_token, load_saved
from m2m.units.micro.token_units import TokenUnits, build_token_units, list_tokens

if TYPE_CHECKING:
    from m2m.data.target_examples import TargetExamples


class PoolUnits:
    """Tokens, vectors and units of `rows` (schema Pool, sorted by id), by the tokenizer in `folder`.

    `report` gets a sentence before something that takes minutes.
    """

    def __init__(
        self, rows: pl.DataFrame, folder: Path, settings: UnitSettings, report: Callable[[str], None] | None = None
    ) -> None:
        self.rows = rows
        self.settings = settings
        self._folder = folder
        self._report = report or _print_progress
        self._tokenized: dict[str, Tokenized] = {}
        self._vectors: dict[str, Float32[np.ndarray, "rows dim"]] = {}

    @cached_property
    def tokenizer(self) -> Any:
        """As a `tokenizers` object."""
        return load_saved(self._folder)

    @cached_property
    def examples(self) -> "TargetExamples":
        """The rows that a subset should be like. ValueError where no file of them is named."""
        from m2m.data.target_examples import read_target_examples

        if not self.settings.like:
            raise ValueError("bm25 chooses rows like your examples: name their file with --like")
        return read_target_examples(self.settings.like)

    def tokenize_side(self, side: str) -> Tokenized:
        """The tokens of one side of all rows."""
        if side not in self._tokenized:
            self._tokenized[side] = tokenize_pool(self.tokenizer, self.rows[side])
        return self._tokenized[side]

    def measure_pool(self) -> PoolRows:
        """The ids and response lengths of all rows."""
        tokens = np.diff(self.tokenize_side("response").offsets)
        characters = self.rows["response"].str.len_chars().cast(pl.Int64).to_numpy()
        return PoolRows(self.rows["id"], tokens, characters)

    def band_side(self, side: str) -> TokenUnits:
        """The middle band of one side."""
        band = self.settings.band
        return build_token_units(self.rows["id"], self.tokenize_side(side), band.low, band.high, band.limits, "mid")

    def embed_side(self, side: str) -> Float32[np.ndarray, "rows dim"]:
        """A vector a row; how long it will take is reported before."""
        if side not in self._vectors:
            from m2m.text.embedder import embed
            from m2m.text.embedding_time import estimate_embedding_seconds

            embedder, texts = self._load_embedder(), self.rows[side].to_list()
            seconds = estimate_embedding_seconds(embedder, texts, self.settings.embed.batch_size)
            self._report(f"embedding {len(texts):,} {side}s will take about {describe_seconds(seconds)}")
            self._vectors[side] = embed(embedder, texts, self.settings.embed.batch_size)
        return self._vectors[side]

    def get_vectors(self) -> Float32[np.ndarray, "rows dim"] | None:
        """The vectors of the side that was embedded; None where none was."""
        return next(iter(self._vectors.values()), None)

    def build_units(self, strategy: str) -> pl.DataFrame:
        """The units of `strategy` (schema Units), which must have some."""
        entry = get_strategy(strategy, "--strategy")
        builders = {"micro": self._build_micro, "meso": self._build_meso, "macro": self._build_macro}
        return builders[str(entry.scale)](str(entry.side))

    def build_choices(self, strategy: str) -> pl.DataFrame:
        """What a baseline chooses by (schema Tokens, Vectors, TargetScores or Units)."""
        reads = get_strategy(strategy, "--strategy").reads
        if reads.startswith("data/units/"):
            return self.build_units(Path(reads).stem)
        if reads.startswith("data/targets/"):
            return self._score_targets()
        if reads.startswith("data/vectors/"):
            vectors = pl.Series("vector", self.embed_side("response")).cast(pl.List(pl.Float32))
            return self.rows.select("id", vectors)
        return self.rows.select("id", tokens=list_tokens(*self.tokenize_side("response")[:2]))

    def label_units(self, strategy: str, units: pl.Series) -> pl.Series:
        """Units as a person reads them: the text of a token, the words of a phrase, the number of a cluster."""
        entry = get_strategy(strategy, "--strategy")
        if entry.scale != "micro":
            return units
        tokenized = self.tokenize_side(str(entry.side))
        labels = [label_token(name, text) for name, text in zip(tokenized.names, tokenized.texts, strict=True)]
        return units.replace_strict(tokenized.names, labels, default=units)

    def _score_targets(self) -> pl.DataFrame:
        from m2m.data.target_examples import join_sides
        from m2m.selection.target_match import score_by_bm25

        target = self.examples
        self._report(f"{len(target.texts)} examples; {target.rejected} records of {self.settings.like} are unusable")
        tokenized = tokenize_pool(self.tokenizer, join_sides(self.rows) + target.texts)
        scores = score_by_bm25(tokenized.tokens, tokenized.offsets, len(target.texts))
        return self.rows.select("id", scores=pl.Series(scores.tolist(), dtype=pl.List(pl.Float64)))

    def _build_micro(self, side: str) -> pl.DataFrame:
        return self.band_side(side).table

    def _build_meso(self, side: str) -> pl.DataFrame:
        from m2m.text.embedder import embed
        from m2m.units.meso.key_phrases import extract_phrases
        from m2m.units.meso.tag_normalization import apply_canonical_tags, normalize_tags

        phrases, ids, texts = self.settings.phrases, self.rows["id"].to_list(), self.rows[side].to_list()
        if reason := explain_unspaced(self.rows[side]):
            raise ValueError(name_phrase_flags(reason))
        limits = phrases.per_text, phrases.max_words, phrases.min_share, phrases.max_share
        try:
            raw = extract_phrases(ids, texts, *limits).sort("id", "tag")
        except ValueError as error:
            raise ValueError(name_phrase_flags(str(error))) from error
        names = normalize_tags(
            raw,
            lambda tags: embed(self._load_embedder(), tags, self.settings.embed.batch_size),
            min_rows=ceil(phrases.min_share * len(ids)),
            max_distance=phrases.max_distance,
            min_support=ceil(phrases.min_support_share * len(ids)),
            min_confidence=phrases.min_confidence,
        )
        return apply_canonical_tags(raw, names).rename({"tag": "unit"})

    def _build_macro(self, side: str) -> pl.DataFrame:
        from m2m.units.macro.clusters import FitSettings, assign_nearest, cluster_vectors, describe_exact_time
        from m2m.units.macro.sampled_clusters import cluster_by_sample

        points = self.embed_side(side)
        clusters = self.settings.clusters
        fitted = clusters.sample or len(points)
        part = "" if clusters.sample is None else f"{fitted:,} of "
        self._report(f"clustering {part}{len(points):,} {side}s by UMAP and HDBSCAN")
        if warning := describe_exact_time(fitted, clusters.neighbors):
            self._report(f"warning: {warning} (--clusters.neighbors nndescent, --clusters.sample)")
        settings = FitSettings(
            clusters.seed,
            clusters.n_neighbors,
            clusters.n_components,
            clusters.min_cluster_size,
            clusters.min_samples,
            clusters.neighbors,
        )
        if clusters.sample is None:
            labels = cluster_vectors(points, settings)
        else:
            labels, agreement = cluster_by_sample(points, clusters.sample, settings)
            self._report(f"{agreement:.1%} of the sample would get their own cluster from their nearest rows")
        if clusters.noise == "nearest":
            labels = assign_nearest(labels, points)
        placed = self.rows.select("id", cluster=labels)
        return placed.filter(pl.col("cluster") >= 0).select("id", unit=pl.col("cluster").cast(pl.String))

    def _load_embedder(self) -> Any:
        from m2m.text.embedder import load_embedder

        embed = self.settings.embed
        return load_embedder(embed.model, embed.revision, embed.precision, embed.max_tokens)


def name_phrase_flags(sentence: str) -> str:
    """`sentence`, which names settings of params.yaml, with the flags of the command in their place.

    >>> name_phrase_flags("no phrase occurs in tag.min_share 0.1: set tag.engine to endpoint or local")
    'no phrase occurs in --phrases.min-share 0.1: choose another strategy, such as response-micro'
    """
    names = {
        "set tag.engine to endpoint or local": "choose another strategy, such as response-micro",
        "tag.min_share": "--phrases.min-share",
        "tag.max_share": "--phrases.max-share",
    }
    for setting, flag in names.items():
        sentence = sentence.replace(setting, flag)
    return sentence


def describe_seconds(seconds: float) -> str:
    """
    >>> describe_seconds(8), describe_seconds(200)
    ('8 seconds', '3.3 minutes')
    """
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.1f} minutes"


def _print_progress(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
