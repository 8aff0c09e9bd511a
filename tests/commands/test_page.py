"""`m2m page`: the subsets of a run's page are those that its stages choose, and each row has its reason."""

import base64
import re
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from m2m.commands.page import main
from m2m.export import exported_run
from m2m.grid.dvc_experiments import Experiment, read_lock
from m2m.grid.provenance import CELL_STAGES, OPPONENT_STAGES
from m2m.runtime.artifacts import compute_md5, read_table, write_json, write_table
from m2m.schemas.answers import Answers
from m2m.schemas.pairs import Pairs
from m2m.schemas.prompts import Prompts
from m2m.schemas.ratings import RowRatings
from m2m.schemas.row_origins import RowOrigins
from m2m.schemas.subset import Subset
from m2m.training.pretrain import train_tokenizer
from stages import band, exclude, subset

ROWS, SIZE = 60, 12
BAND: dict[str, Any] = {"tokenizer": "base", "low": 3, "high": 80, "limits": "occurrences"}
SETTINGS: dict[str, Any] = {
    "strategy": "response-micro",
    "match": "response-micro",
    "degree": 3,
    "size": SIZE,
    "seed": 5,
    "slack": 1.5,
    "weights": "inverse",
    "budget": "rows",
    "min_tokens": 1,
    "max_tokens": 100_000,
    "lengths": "free",
    "peel_noise": 0.0,
    "quality": "score",
    "quality_share": 0.9,
    "prefilter": "random",
    "prefilter_share": 1.0,
}


def choose(folder: Path, degree: int, name: str, **changed: Any) -> pl.DataFrame:
    """What stage subset chooses."""
    units = folder / "data/units/response-micro.parquet"
    files = [folder / f"data/{path}" for path in ("pairs.parquet", "tokens/response.parquet", "row_origins.parquet")]
    outs = [folder / f"data/subsets/{name}.{kind}" for kind in ("parquet", "json")]
    settings = SETTINGS | {"degree": degree, "overlap": "keep"} | changed
    ratings = [folder / f"data/ratings/{field}.parquet" for field in ("complexity", "quality")]
    files += [folder / "data/exclusions/keep.parquet", *ratings]
    subset.main(units, units, units, *files, *outs, **settings)
    return read_table(outs[0], Subset)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one run up to its subset."""
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(2)
    texts = [" ".join(rng.choice(list("abcdefghijklmnopqrstuv"), rng.integers(2, 30))) for _ in range(ROWS)]
    pairs = pl.DataFrame({"id": [f"{row:02}" for row in range(ROWS)], "source": "mine"}).with_columns(
        instruction=pl.Series([f"Say {text[:9]}" for text in texts]),
        response=pl.Series(texts),
        original=pl.lit(None, pl.String),
    )
    write_table(folder / "data/pairs.parquet", Pairs, pairs)
    origins = pairs.select("id", "source", file=pl.lit("my.jsonl"), row=pl.arange(ROWS), exchange=pl.lit(0, pl.Int64))
    fields = [f'{{"score": {row}}}' for row in range(ROWS)]
    write_table(folder / "data/row_origins.parquet", RowOrigins, origins.with_columns(fields=pl.Series(fields)))
    train_tokenizer(texts, folder / "models/tokenizer", vocab_size=300)
    for side in ("instruction", "response"):
        names = ("tokens/{}.parquet", "bands/{}.parquet", "units/{}-micro.parquet", "histograms/{}.csv", "{}.png")
        outs = [folder / "data" / name.format(side) for name in names]
        band.main(folder / "data/pairs.parquet", folder / "models/tokenizer", *outs, side=side, band="mid", **BAND)
    exclude.main(folder / "none.parquet", folder / "data/exclusions/keep.parquet", overlap="keep")
    choose(folder, int(SETTINGS["degree"]), "candidate")
    write_lock(folder)
    return folder


def write_lock(folder: Path, **changed: Any) -> None:
    """All outs under one stage, since only their hashes count here."""
    names = ("ingest", "tokenizer", "respond", "band@instruction", "band@response", *CELL_STAGES, *OPPONENT_STAGES)
    params = {
        "subset@candidate": {"subset": SETTINGS | changed, "overlap": "keep"},
        "band@response": {"band": BAND},
        "tokenizer": {"base.name": "scratch"},
    }
    locked = {name: {"cmd": name, "params": {"params.yaml": params.get(name, {})}, "outs": []} for name in names}
    files = [path for name in ("data", "metrics") for path in sorted((folder / name).rglob("*")) if path.is_file()]
    hashes = [{"path": str(path.relative_to(folder)), "md5": compute_md5(path)} for path in files]
    (folder / "dvc.lock").write_text(yaml.safe_dump({"stages": locked | {"all": {"cmd": "all", "outs": hashes}}}))


@pytest.fixture
def workspace(stages: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(stages)
    monkeypatch.setattr(exported_run, "is_finished", lambda lock: False)
    return stages


def read_column(page: Path, name: str) -> bytes:
    return zlib.decompress(base64.b64decode(re.search(f'data-column="{name}">([^<]*)<', page.read_text())[1]))


def test_every_stop_of_the_dial_lights_the_rows_that_the_stage_chooses(workspace: Path, tmp_path: Path) -> None:
    main(tmp_path / "cell.html")
    page = (tmp_path / "cell.html").read_text()
    assert "the workspace: response-micro" in page
    assert "Tokens are of the tokenizer trained on the documentation." in page
    for degree in (0, 3, 6):
        packed = np.frombuffer(read_column(tmp_path / "cell.html", f"members-{degree + 1}"), np.uint8)
        members = np.flatnonzero(np.unpackbits(packed, bitorder="little"))
        assert [f"{row:02}" for row in members] == choose(workspace, degree, "other")["id"].to_list()


def test_the_page_says_what_a_setting_left_out_and_places_by_words(workspace: Path, tmp_path: Path) -> None:
    main(tmp_path / "cell.html")
    page = (tmp_path / "cell.html").read_text()
    assert "Only the best 0.9 of the rows by score were candidates: 6 were left out." in page
    assert "is not among the best 0.9 by" in page
    assert "Rows are placed by their words" in page


def test_a_page_of_rows_that_an_llm_rated_leaves_out_the_worst_by_its_scores(
    stages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rated"
    shutil.copytree(stages, folder)
    ids = pl.Series("id", [f"{row:02}" for row in range(ROWS)])
    scores = [1.0 if row < 6 else 5.0 for row in range(ROWS)]
    write_table(folder / "data/ratings/quality.parquet", RowRatings, pl.DataFrame([ids, pl.Series("score", scores)]))
    candidate = choose(folder, int(SETTINGS["degree"]), "candidate", quality="llm_quality")
    assert set(candidate["id"]).isdisjoint(ids[:6])
    write_lock(folder, quality="llm_quality")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(exported_run, "is_finished", lambda lock: False)
    main(tmp_path / "cell.html")
    page = (tmp_path / "cell.html").read_text()
    assert "Only the best 0.9 of the rows by llm_quality were candidates: 6 were left out." in page


def test_a_subset_that_this_code_would_not_choose_has_no_page(workspace: Path, tmp_path: Path) -> None:
    names = ("data/subsets/candidate.parquet", "data/subsets/candidate.json", "dvc.lock")
    kept = {name: (workspace / name).read_bytes() for name in names}
    choose(workspace, 0, "candidate")
    write_lock(workspace)
    with pytest.raises(ValueError, match=r"is not what this version of the code chooses from its tables\. Check out"):
        main(tmp_path / "cell.html")
    for name, content in kept.items():
        (workspace / name).write_bytes(content)
    assert not (tmp_path / "cell.html").exists()


def test_a_trained_run_shows_the_answers_of_its_three_models(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = (workspace / "dvc.lock").read_bytes()
    names = {"id": ["b", "a"], "benchmark": ["x", "x"], "instruction": ["B?", "A?"], "reference": [None, "an a"]}
    nothing = {name: pl.lit(None, pl.String) for name in ("baseline", "baseline_answer")}
    prompts = pl.DataFrame(names, schema=dict.fromkeys(names, pl.String)).with_columns(**nothing, group=pl.lit("x"))
    write_table(workspace / "data/prompts.parquet", Prompts, prompts)
    for arm in ("base", "opponent", "candidate"):
        table = pl.DataFrame({"id": ["a", "b"], "answer": [f"{arm} to A", f"{arm} to B"]}).with_columns(
            tokens=pl.lit(3, pl.Int32), truncated=False, bits=pl.lit(None, pl.Float64), bytes=pl.lit(None, pl.Int32)
        )
        write_table(workspace / f"data/answers/{arm}.parquet", Answers, table)
    write_json(workspace / "metrics/cell.json", {"untuned_bits_per_byte": 1.5, "candidate_bits_per_byte": 1.25})
    write_json(workspace / "metrics/cell_details.json", {"opponent_bits_per_byte": 1.75})
    base = {"base": "my model", "base_instruction_tuned": "perhaps: its tokenizer has a chat template"}
    write_json(workspace / "metrics/base.json", base)
    write_lock(workspace)
    monkeypatch.setattr(exported_run, "is_finished", lambda lock: True)
    main(tmp_path / "cell.html")
    page = (tmp_path / "cell.html").read_text()
    assert re.findall("<h3>(base|fine-tuned)([^<]*)</h3>", page)[:3] == [
        ("base", " model, 1.5000"),
        ("fine-tuned", " on random rows, 1.7500"),
        ("fine-tuned", " on response-micro, degree 3, 1.2500"),
    ]
    answers = re.findall(r">(\w+ to [AB])<", page)
    assert answers == [f"{arm} to {prompt}" for prompt in "AB" for arm in ("base", "opponent", "candidate")]
    assert "my model may have been instruction-tuned before: its tokenizer has a chat template." in page
    (workspace / "dvc.lock").write_bytes(kept)


def test_vectors_that_the_run_has_not_made_are_named(workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"data/vectors/response\.parquet differs from dvc\.lock\. Run dvc repro"):
        main(tmp_path / "cell.html", map="embeddings")


def test_another_file_is_not_written_over(workspace: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.html, got README\.md"):
        main(Path("README.md"))


def test_an_experiment_has_the_page_of_its_files_in_the_cache(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main(tmp_path / "workspace.html")
    cell = Experiment("micro-3", "0123456789abcdef", read_lock(), {})
    outs = {md5: path for path, md5 in cell.lock["all"]["outs"].items()}
    monkeypatch.setattr(exported_run, "is_finished", lambda lock: True)
    monkeypatch.setattr(exported_run, "read_experiments", lambda: [cell])
    monkeypatch.setattr(exported_run, "locate_cached_file", lambda md5: workspace / outs.get(md5, "nowhere"))
    main(tmp_path / "cell.html", experiment="micro-3")
    page = (tmp_path / "cell.html").read_text()
    assert page.replace("micro-3 (0123456789)", "the workspace") == (tmp_path / "workspace.html").read_text()
    with pytest.raises(ValueError, match=r"data/vectors/response\.parquet of micro-3 is not in DVC's cache"):
        main(tmp_path / "cell.html", experiment="micro-3", map="embeddings")
