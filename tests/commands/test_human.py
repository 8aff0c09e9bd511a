"""People's ratings: which file a model's answers are, whose answers a judge has judged, and a sheet there and back."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from m2m.commands.human import ANSWERS, OPPONENT, VERDICTS, Export, Import, export_sheet, import_ratings, locate_answers
from m2m.grid.dvc_experiments import Experiment
from m2m.grid.provenance import CELL_STAGES, OPPONENT_STAGES
from m2m.human.ratings import read_sheet_key
from m2m.runtime.artifacts import compute_md5, read_table, write_table
from m2m.schemas.answers import Answers
from m2m.schemas.prompts import Prompts
from m2m.schemas.verdicts import Verdicts
from tests.human.test_comparison import make_verdicts

IDS = [f"p{row:02}" for row in range(40)]
WINS = {name: row % 5 > 0 for row, name in enumerate(IDS)}  # the candidate's answer is better in 32 of 40
THIRD = Path("third.parquet")


@pytest.fixture(autouse=True)
def _experiment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stages = (*CELL_STAGES, *OPPONENT_STAGES)
    lock: dict[str, Any] = {name: {"deps": {}, "outs": {}, "params": {"subset": {}}} for name in stages}
    lock["generate@candidate"]["outs"] = {str(ANSWERS): "abc"}
    cell = Experiment("micro-3", "0123456789ab", lock, {})
    monkeypatch.setattr("m2m.export.exported_run.read_experiments", lambda: [cell])
    monkeypatch.setattr("m2m.export.exported_run.locate_cached_file", lambda md5: tmp_path / md5)


def test_a_file_is_itself_and_an_experiment_is_its_candidates_answers(tmp_path: Path) -> None:
    (tmp_path / "abc").touch()
    assert locate_answers(str(tmp_path / "abc")) == tmp_path / "abc"
    assert locate_answers("micro-3") == tmp_path / "abc"


def test_a_name_that_is_no_experiment_and_answers_that_are_not_here_are_told() -> None:
    with pytest.raises(ValueError, match=r"micro-2 is not a finished experiment .* Did you mean micro-3"):
        locate_answers("micro-2")
    with pytest.raises(ValueError, match=r"candidate\.parquet of micro-3 is not in DVC's cache\. Run dvc exp pull"):
        locate_answers("micro-3")


def test_a_table_that_is_missing_is_taken_for_a_file() -> None:
    assert locate_answers("no/answers.parquet") == Path("no/answers.parquet")


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workspace with three models' answers, and verdicts on candidate and opponent under its lock."""
    monkeypatch.chdir(tmp_path)
    text = pl.lit(None, pl.String)
    prompts = pl.DataFrame({"id": IDS, "benchmark": "b", "instruction": "x"})
    columns = {"reference": text, "baseline": text, "baseline_answer": text}
    write_table(Path("data/prompts.parquet"), Prompts, prompts.with_columns(**columns))
    for path, bits in ((ANSWERS, 8), (OPPONENT, 16), (THIRD, None)):
        answers = pl.DataFrame({"id": IDS, "answer": [f"{path.stem} {name}" for name in IDS], "truncated": False})
        costs = {"bits": pl.lit(bits, pl.Float64), "bytes": pl.lit(bits and 8, pl.Int32)}
        table = answers.with_columns(**costs, tokens=pl.lit(1, pl.Int32)).select(*Answers.to_schema().columns)
        write_table(path, Answers, table)
    verdicts = (
        make_verdicts(WINS).cast({"order": pl.Int8, "repeat": pl.Int16}).with_columns(engine=pl.lit("similarity"))
    )
    write_table(VERDICTS, Verdicts, verdicts)
    hashes = {str(path): compute_md5(path) for path in (ANSWERS, OPPONENT, VERDICTS)}
    outs = [{"path": str(VERDICTS), "md5": hashes.pop(str(VERDICTS))}]
    deps = [{"path": path, "md5": md5} for path, md5 in hashes.items()]
    lock = {"schema": "2.0", "stages": {"judge": {"cmd": "", "deps": deps, "outs": outs}}}
    Path("dvc.lock").write_text(yaml.safe_dump(lock))


def rate(first: Path, second: Path) -> list[str]:
    """The last lines of the export of these two; A.json is then of a person who agrees with the verdicts."""
    lines = export_sheet(Export(Path("sheet.html"), str(first), str(second), pairs=20))
    key = read_sheet_key(Path("sheet.key.json"))
    choices = {
        str(pair.item): "left" if (WINS[pair.id] == (first == ANSWERS)) == pair.first_is_left else "right"
        for pair in key.pairs
    }
    Path("A.json").write_text(json.dumps({"sheet": key.sheet, "rater": "A", "choices": choices}))
    return lines[2:]


def read_back(verdicts: str | None = str(VERDICTS)) -> list[str]:
    return import_ratings(Import(Path("sheet.key.json"), (Path("A.json"),), verdicts))


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize(
    ("sides", "share"), [((ANSWERS, OPPONENT), "80.0"), ((OPPONENT, ANSWERS), "20.0")], ids=["as judged", "turned"]
)
def test_people_and_judge_agree_also_on_turned_sides_and_the_export_names_the_verdicts(
    sides: tuple[Path, Path], share: str
) -> None:
    assert rate(*sides) == [f"then: python -m m2m human import sheet.key.json RATINGS.json … --verdicts {VERDICTS}"]
    lines = read_back()
    place = lines.index("similarity")
    assert lines[place + 1].endswith("same winner in 20 of 20 pairs without a tie")
    assert lines[place + 2] == f"  judge      {share} %, as it stands, over 40 judged prompts"


@pytest.mark.usefixtures("judged")
def test_verdicts_on_other_models_are_refused_and_the_export_says_so() -> None:
    assert rate(ANSWERS, THIRD) == [
        "then: python -m m2m human import sheet.key.json RATINGS.json …",
        "no verdicts on these two models are known: people's labels stand alone",
    ]
    with pytest.raises(ValueError, match=r"judges other answers than the sheet's, .*candidate.parquet and third"):
        read_back()
    assert [line.split()[0] for line in read_back(None)] == ["raters", "pairs", "agreement", "people", "warning"]


@pytest.mark.usefixtures("judged")
def test_likelihood_needs_no_verdicts() -> None:
    """The candidate spends 1 bit a byte on each reference, the opponent 2."""
    VERDICTS.unlink()
    assert rate(ANSWERS, OPPONENT)[1].endswith("likelihood, on 40 prompts with a reference, is the judge")
    lines = read_back(None)
    assert lines[5] == "likelihood" and lines[7].startswith("  judge      100.0 %")


@pytest.mark.usefixtures("judged")
def test_a_likelihood_of_too_few_prompts_leaves_people_s_lines_and_the_other_judge() -> None:
    """One rated prompt has a reference."""
    rate(ANSWERS, OPPONENT)
    key = json.loads(Path("sheet.key.json").read_text())
    rated = key["pairs"][0]["id"]
    key["likelihood"] = {rated: 1.0}
    Path("sheet.key.json").write_text(json.dumps(key))
    lines = read_back()
    assert lines[3].startswith("people       ")
    place = lines.index("likelihood")
    assert lines[place + 1].startswith("  warning    it judged 1 of the 20 rated pairs, and a comparison needs 2: ")
    assert lines[place + 2] == "similarity" and lines[place + 4].startswith("  judge      80.0 %")


@pytest.mark.usefixtures("judged")
def test_prompts_that_one_model_left_out_and_pairs_that_are_missing_are_told() -> None:
    """The opponent answers p10 to p39, the candidate p00 to p34: 25 prompts have both answers."""
    for path, places in ((ANSWERS, slice(0, 35)), (OPPONENT, slice(10, 40))):
        write_table(path, Answers, read_table(path, Answers)[places])
    lines = export_sheet(Export(Path("sheet.html"), str(ANSWERS), str(OPPONENT), pairs=26))
    sentences = [f"5 of 40 prompts have no answer of {ANSWERS}", f"10 of 40 prompts have no answer of {OPPONENT}"]
    assert lines[0] == "25 pairs of 25 prompts; 0 have two equal answers"
    assert lines[1:3] == sentences
    assert lines[3] == "--pairs 26 is more than there are: the sheet has all 25 with two different answers"
    key = read_sheet_key(Path("sheet.key.json"))
    assert (key.first.unanswered, key.second.unanswered) == (IDS[35:], IDS[:10])
    Path("A.json").write_text(json.dumps({"sheet": key.sheet, "rater": "A", "choices": {"1": "left", "2": "tie"}}))
    assert read_back(None)[2:4] == [f"left out     {sentence}" for sentence in sentences]


@pytest.mark.usefixtures("judged")
def test_a_sheet_of_all_that_was_asked_for_has_no_line_on_what_is_missing() -> None:
    lines = export_sheet(Export(Path("sheet.html"), str(ANSWERS), str(OPPONENT), pairs=40))
    assert [line.split()[0] for line in lines] == ["40", "written:", "then:"]


@pytest.mark.usefixtures("judged")
def test_verdicts_that_no_lock_has_are_refused(tmp_path: Path) -> None:
    rate(ANSWERS, OPPONENT)
    VERDICTS.rename("moved.parquet")
    assert "similarity" in read_back("moved.parquet")
    with pytest.raises(FileNotFoundError, match=r"data/verdicts\.parquet is not there"):
        read_back()
    Path("dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    with pytest.raises(ValueError, match=r"moved\.parquet is not data/verdicts\.parquet of dvc\.lock"):
        read_back("moved.parquet")


@pytest.mark.usefixtures("judged")
def test_an_export_keeps_what_is_there_and_an_import_needs_ratings() -> None:
    rate(ANSWERS, OPPONENT)
    with pytest.raises(ValueError, match=r"sheet\.html exists: name a new file"):
        rate(ANSWERS, OPPONENT)
    with pytest.raises(ValueError, match="name at least one file that a rater saved"):
        import_ratings(Import(Path("sheet.key.json"), ()))
