"""`m2m select` takes the rows that the pipeline's stages take, under the same settings."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from ruamel.yaml import YAML

from m2m.commands.select import main as select
from m2m.data.benchmarks.eval_prompts import convert_records
from m2m.data.pool.sources import Source
from m2m.data.records.read_files import read_files
from m2m.file_selection.unit_settings import BandSettings, ClusterSettings, EmbedSettings, PhraseSettings
from m2m.llm.client.request import Endpoint
from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.prompts import Prompts
from m2m.schemas.subset import Subset
from m2m.strategies import STRATEGIES
from stages import band, cluster, embed, exclude, ingest, overlap, respond, subset, tag, target, tokenizer

pytestmark = pytest.mark.filterwarnings("ignore::ImportWarning", "ignore::UserWarning:umap")
ROOT = Path(__file__).parents[2]
PARAMS = YAML(typ="safe").load(ROOT / "params.yaml")
WORDS = [
    "red",
    "green",
    "blue",
    "stone",
    "river",
    "cloud",
    "paper",
    "light",
    "glass",
    "metal",
    "early",
    "later",
    "small",
    "large",
    "north",
    "south",
]
ROWS, SIZE = 160, 30
BAND = BandSettings(low=3, high=60, limits="occurrences", vocab_size=400)
CLUSTERS = ClusterSettings(n_neighbors=5, n_components=2, min_cluster_size=5, min_samples=2)
EMBED = EmbedSettings(batch_size=16, max_tokens=16)
PHRASES = PhraseSettings(min_share=0.02, max_share=0.5, max_distance=0.0)


def write_pool(path: Path) -> None:
    """Rows of 3 to 40 words; a third of the words of a row are of its theme."""
    rng = np.random.default_rng(3)
    lines = []
    for row in range(ROWS):
        theme = WORDS[row % 4 * 4 : row % 4 * 4 + 4]
        text = " ".join(rng.choice(theme if rng.random() < 0.6 else WORDS) for _ in range(rng.integers(3, 40)))
        lines.append(
            {
                "instruction": f"Say {row}: {text[:30]}",
                "output": f"{text} {row}.",
                "source": f"s{row % 3}",
                "score": row * 7 % 50,
            }
        )
    pl.DataFrame(lines).write_ndjson(path)


class FakeEmbedder:
    """Counts letters, so that nothing is loaded."""

    max_seq_length = 16

    def tokenizer(self, texts: list[str], truncation: bool, max_length: int) -> dict[str, list[list[int]]]:
        return {"input_ids": [[0] * min(len(text.split()), max_length) for text in texts]}

    def get_embedding_dimension(self) -> int:
        return 26

    def encode(self, texts: list[str], **settings: Any) -> Any:
        import torch

        letters = "abcdefghijklmnopqrstuvwxyz"
        return torch.tensor([[1.0 + text.count(letter) for letter in letters] for text in texts])


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the stages make of the pool, up to the tables that strategies choose by."""
    folder = tmp_path_factory.mktemp("pipeline")
    write_pool(folder / "my.jsonl")
    examples = pl.read_ndjson(folder / "my.jsonl")[5:160:40]
    examples.with_columns(output=pl.col("output") + " stone").write_ndjson(folder / "like.jsonl")
    settings: dict[str, Any] = {
        "seed": 1,
        "heldout_share": 0.0,
        "corpus_share": 0.5,
        "min_chars": None,
        "max_chars": None,
    }
    outs = [folder / f"{name}.parquet" for name in ("pool", "heldout", "corpus", "rejects", "row_origins")]
    source = Source(kind="files", path=str(folder / "my.jsonl"))
    sources = {"my.jsonl": source}
    ingest.main(*outs, folder / "origins.json", **settings, near_duplicates="keep", sources=sources)  # type: ignore[arg-type, call-arg]
    pool, pairs, base = folder / "pool.parquet", folder / "pairs.parquet", folder / "tokenizer"
    tokenizer.main(folder / "corpus.parquet", pool, base, name="scratch", revision="main", vocab_size=BAND.vocab_size)
    writer: dict[str, Any] = {"temperature": 0.0, "reply_tokens": 1, "seed": 1}
    endpoint = Endpoint(**PARAMS["respond"]["endpoint"])
    respond.main(pool, pool, pairs, folder / "unusable.parquet", engine="keep", endpoint=endpoint, **writer)
    for side in ("instruction", "response"):
        outs = [folder / f"{side}-{name}" for name in ("tokens.parquet", "bands.csv")]
        outs += [folder / f"{side}-micro.parquet", folder / f"{side}-histogram.csv", folder / f"{side}.png"]
        limits = asdict(BAND)
        del limits["vocab_size"]
        band.main(pairs, base, *outs, side=side, tokenizer="base", band="mid", **limits)
    return folder


@pytest.fixture(autouse=True)
def fake_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2m.text.embedder.load_embedder", lambda *settings: FakeEmbedder())
    monkeypatch.setattr("m2m.text.embedder.load_once", lambda name: FakeEmbedder())


def run_stages(
    folder: Path,
    strategy: str,
    degree: int,
    settings: dict[str, Any],
    quality: str | None = None,
    share: float = 1.0,
    like_share: float = 1.0,
) -> set[str]:
    """The rows of `subset`; with a `share` below 1, without those that share text with the prompts in `folder`."""
    entry = STRATEGIES[strategy]
    kinds = {
        "units": "{}.parquet",
        "tokens": "{}-tokens.parquet",
        "vectors": "{}-vectors.parquet",
        "targets": "{}-targets.parquet",
        "difficulties": "{}-difficulties.parquet",
    }
    reads = {name: Path(STRATEGIES[name].reads) for name in STRATEGIES}
    tables = {name: folder / kinds[path.parent.name].format(path.stem) for name, path in reads.items()}
    pairs = folder / "pairs.parquet"
    if entry.scale == "macro" or reads[strategy].parent.name == "vectors":
        side = entry.side or "response"
        vectors = folder / f"{side}-vectors.parquet"
        embed.main(pairs, vectors, side=side, **asdict(EMBED))  # type: ignore[arg-type]
        if entry.scale:
            cluster.main(vectors, pairs, tables[strategy], folder / "clusters.csv", side=side, **asdict(CLUSTERS))  # type: ignore[arg-type]
    if reads[strategy].stem.endswith("-meso"):
        outs = [folder / "tags.parquet", folder / "canon.parquet", tables[strategy], folder / "untagged.parquet"]
        asked = {"temperature": 0.0, "reply_tokens": 1, "endpoint": Endpoint(**PARAMS["tag"]["endpoint"])}
        made: dict[str, Any] = asdict(PHRASES) | asdict(EMBED) | asked
        tag.main(pairs, pairs, *outs, side=reads[strategy].stem.partition("-")[0], engine="phrases", **made)  # type: ignore[arg-type]
    drop: Any = "drop" if share < 1 else "keep"
    if share < 1:
        overlap.main(pairs, folder / "prompts.parquet", folder / "overlaps.parquet")
    exclude.main(folder / "overlaps.parquet", folder / "exclusions.parquet", overlap=drop)
    if strategy == "bm25" or like_share < 1:
        target.main(pairs, folder / "tokenizer", tables["bm25"], examples=str(folder / "like.jsonl"))
    subset.main(
        tables[strategy],
        tables["response-micro"],
        tables["bm25"],
        pairs,
        folder / "response-tokens.parquet",
        folder / "row_origins.parquet",
        folder / "exclusions.parquet",
        folder / "no complexity",
        folder / "no quality",
        folder / "subset.parquet",
        folder / "subset.json",
        strategy=strategy,
        match="response-micro",
        degree=degree,
        min_tokens=0,
        max_tokens=2**31 - 1,
        quality=quality,
        quality_share=share,
        prefilter="bm25" if like_share < 1 else "random",
        prefilter_share=like_share,
        overlap=drop,
        **settings,
    )
    return set(read_table(folder / "subset.parquet", Subset).select("id", "turn").rows())  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", [name for name, entry in STRATEGIES.items() if not entry.base_pass])
@pytest.mark.parametrize("lengths", ["free", "as-random"])
@pytest.mark.parametrize("amount", [{"size": SIZE}, {"tokens": 700}], ids=["rows", "tokens"])
def test_select_takes_the_rows_of_the_pipeline(
    pipeline: Path, tmp_path: Path, strategy: Any, amount: Any, lengths: Any
) -> None:
    if lengths == "as-random" and not STRATEGIES[strategy].has_units:
        pytest.skip("a baseline has no strata of length")
    quality = "score" if STRATEGIES[strategy].needs_quality else ""
    if strategy.endswith("-macro") and "tokens" in amount:
        pytest.skip("UMAP takes seconds; rows show the same")
    degree = 2
    budget = "rows" if "size" in amount else "tokens"
    settings: dict[str, Any] = {
        "size": next(iter(amount.values())),
        "seed": 7,
        "slack": 1.5,
        "weights": "inverse",
        "budget": budget,
        "lengths": lengths,
        "peel_noise": 0.25,
    }
    taken = run_stages(pipeline, strategy, degree, settings, quality or None)
    made: dict[str, Any] = {"band": BAND, "phrases": PHRASES, "clusters": CLUSTERS, "embed": EMBED}
    select(
        (str(pipeline / "my.jsonl"),),
        **amount,
        strategy=strategy,
        degree=degree,
        seed=7,
        lengths=lengths,
        quality=quality,
        like=str(pipeline / "like.jsonl") if strategy == "bm25" else "",
        out=tmp_path / "out",
        page="skip",
        **made,
    )
    rows = pl.read_parquet(tmp_path / "out/rows.parquet").filter("is_chosen")
    assert set(rows.select("row_id", "turn").rows()) == taken


def test_select_leaves_out_the_rows_of_the_pipeline(pipeline: Path, tmp_path: Path) -> None:
    shared = pl.read_parquet(pipeline / "pool.parquet")["instruction"][5]
    (tmp_path / "prompts.jsonl").write_text(f'{{"instruction": "{shared.upper()}"}}\n')
    prompts = convert_records("mine", [record.value for record in read_files(str(tmp_path / "prompts.jsonl"))], {})
    write_table(pipeline / "prompts.parquet", Prompts, prompts)
    settings = {"size": SIZE, "seed": 7, "slack": 1.5, "weights": "inverse", "budget": "rows", "lengths": "free"}
    settings |= {"peel_noise": 0.25}
    taken = run_stages(pipeline, "response-micro", 2, settings, "score", 0.4)
    select(
        (str(pipeline / "my.jsonl"),),
        size=SIZE,
        degree=2,
        seed=7,
        prompts=(str(tmp_path / "prompts.jsonl"),),
        overlap="drop",
        quality="score",
        quality_share=0.4,
        out=tmp_path / "out",
        page="skip",
        band=BAND,
    )
    rows = pl.read_parquet(tmp_path / "out/rows.parquet")
    assert set(rows.filter("is_chosen").select("row_id", "turn").rows()) == taken
    assert (rows["reason"] == "is not among the best 0.4 by 'score'").sum() == ROWS - 1 - 64  # 0.4 of 159, rounded up
    assert rows.filter(pl.col("overlapping_prompt").is_not_null())["reason"].to_list() == [
        "shares text with an evaluation prompt"
    ]


def test_select_keeps_the_rows_like_the_examples_that_the_pipeline_keeps(pipeline: Path, tmp_path: Path) -> None:
    settings = {"size": SIZE, "seed": 7, "slack": 1.5, "weights": "inverse", "budget": "rows", "lengths": "free"}
    settings |= {"peel_noise": 0.25}
    taken = run_stages(pipeline, "response-micro", 4, settings, like_share=0.5)
    examples, out = str(pipeline / "like.jsonl"), tmp_path / "out"
    files = (str(pipeline / "my.jsonl"),)
    select(files, size=SIZE, degree=4, seed=7, like=examples, like_share=0.5, out=out, page="skip", band=BAND)
    rows = pl.read_parquet(out / "rows.parquet")
    assert set(rows.filter("is_chosen").select("row_id", "turn").rows()) == taken
    assert (rows["reason"] == "is not among the 0.5 most like the examples by bm25").sum() == ROWS // 2


def test_the_defaults_of_select_are_those_of_params_yaml() -> None:
    band_settings = asdict(BandSettings())
    del band_settings["vocab_size"]  # of a tokenizer for a pool, not for the small base model
    assert band_settings == {name: PARAMS["band"][name] for name in band_settings}
    for block, settings in {"tag": PhraseSettings(), "cluster": ClusterSettings(), "embed": EmbedSettings()}.items():
        assert asdict(settings) == {name: PARAMS[block][name] for name in asdict(settings)}  # type: ignore[call-overload]
