"""The command on small files of both protocols; the alpaca_eval package as an oracle where one is at hand."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from m2m.commands.score import main
from m2m.judging.protocols.alpaca_eval import is_candidate_first

RECORDED = os.environ.get("ALPACA_EVAL_ANNOTATIONS")  # a folder: annotations.parquet, and their leaderboard.csv
ORACLE = os.environ.get("ALPACA_EVAL_PYTHON")  # a Python that has the package: pip install alpaca_eval patsy


def annotations(prompts: int) -> list[dict[str, Any]]:
    """A judge with a taste for length, in the form of annotations.json; every ninth row lost the judge's words."""
    rng, rows = np.random.default_rng(7), []
    for index in range(prompts):
        instruction, lengths = f"Question {index}?", rng.integers(5, 900, 2)
        logit = (lengths[1] - lengths[0]) / 300 + rng.normal(-1, 1)  # of the model against the baseline
        sure = float(-np.logaddexp(0, -logit)), float(-np.logaddexp(0, logit))  # log P(model), log P(baseline)
        first, second = sure if is_candidate_first(instruction) else sure[::-1]
        tops = [{"token": "m", "logprob": first}, {"token": "M", "logprob": second}]
        words = {"logprobs": {"content": [{"top_logprobs": tops}]}}
        rows.append(
            {
                "index": index, "instruction": instruction, "output_1": "x" * int(lengths[0]),
                "output_2": "y" * int(lengths[1]), "generator_1": "gpt", "generator_2": "ours",
                "preference": 1 + float(np.exp(sure[0])), "raw_completion": words if index % 9 else None,
            }
        )  # fmt: skip
    return rows


def gamed_file(path: Path, prompts: int) -> Path:
    rng = np.random.default_rng(8)
    both = pl.DataFrame(
        {
            "index": list(range(prompts)) * 2,
            "model": ["concise"] * prompts + ["verbose"] * prompts,
            "preference": rng.random(2 * prompts),
            "std_delta_len": rng.normal(size=2 * prompts),
            "instruction_difficulty": np.tile(rng.normal(size=prompts), 2),
            "not_gamed_baseline": False,
        }
    )
    both.write_csv(path)
    return path


def table(printed: str) -> list[dict[str, str]]:
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_a_file_of_annotations_is_a_table_in_per_cent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = annotations(60)
    (tmp_path / "annotations.json").write_text(json.dumps(rows))
    (tmp_path / "board.csv").write_text(
        "model,win_rate,standard_error,discrete_win_rate,length_controlled_winrate\nours,12.345,1,2,3\n"
    )
    main(tmp_path / "annotations.json", protocol="alpaca-eval", published=tmp_path / "board.csv", resamples=200)
    shown = capsys.readouterr()
    (row,) = table(shown.out)
    expected = 100 * np.mean([each["preference"] - 1 for each in rows])
    assert row["win rate [95 %]"].startswith(f"{expected:.2f} [")
    assert (row["model"], row["prompts"], row["recorded kept"], row["no verdict"]) == ("ours", "60", "7", "0")
    assert row["published win_rate"] == "12.35"
    assert "length-controlled, minimal [95 %]" in row
    assert shown.err == ""


def test_with_the_gamed_baselines_the_length_control_is_the_full_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(annotations(60)))
    main(tmp_path / "a.json", protocol="alpaca-eval", gamed=gamed_file(tmp_path / "gamed.csv", 60), resamples=100)
    assert "length-controlled [95 %]" in table(capsys.readouterr().out)[0]
    with pytest.raises(ValueError, match="20 of 60 judgements have no difficulty"):
        main(tmp_path / "a.json", protocol="alpaca-eval", gamed=gamed_file(tmp_path / "few.csv", 40))


def test_a_leaderboards_rows_are_found_whatever_its_first_column_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(annotations(10)))
    (tmp_path / "board.csv").write_text(",win_rate,length_controlled_winrate\nours,12.5,\nother,1,2\n")
    main(tmp_path / "a.json", protocol="alpaca-eval", published=tmp_path / "board.csv", resamples=50)
    (row,) = table(capsys.readouterr().out)
    assert row["published win_rate"] == "12.50"
    assert "published standard_error" not in row and "published length_controlled_winrate" not in row


def test_battles_of_several_files_are_scored_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, label in (("one", "A>>B"), ("two", "A=B")):
        lines = [
            {
                "question_id": str(at),
                "model": name,
                "games": [{"judgment": f"[[{label}]]"}, {"judgment": "none", "score": None}],
            }
            for at in range(3)
        ]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    main(tmp_path / "*.jsonl", protocol="arena-hard", resamples=100)
    rows = table(capsys.readouterr().out)
    assert [(row["model"], row["win rate [95 %]"], row["no verdict"]) for row in rows] == [
        ("one", "0.00 [0.00, 56.15]", "3"), ("two", "50.00 [12.53, 87.47]", "3"),
    ]  # fmt: skip


def test_records_that_are_none_and_orders_that_differ_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [*annotations(10), {"instruction": "alone"}]
    rows[1]["preference"] = 3 - rows[1]["preference"]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    main(tmp_path / "a.json", protocol="alpaca-eval", resamples=50)
    told = capsys.readouterr().err
    assert "1 of 11 records are no judgements" in told
    assert "1 verdicts differ from the recorded ones" in told


@pytest.mark.parametrize("text", ["[]", "[1, 2]", "no json"])
def test_a_file_without_judgements_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match="holds no alpaca-eval judgement: "):
        main(tmp_path / "a.json", protocol="alpaca-eval")


def test_a_models_name_cannot_break_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row | {"generator_2": "a|b\x1b[31m\n| c"} for row in annotations(6)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    main(tmp_path / "a.json", protocol="alpaca-eval", resamples=50)
    assert "\n| a\\|b\\[U+001B\\]\\[31m \\| c | " in capsys.readouterr().out


def battles(category: str, baseline: str, label: str, prompts: int) -> list[dict[str, Any]]:
    """Records of Arena-Hard v2: `label` is the first game's, and its mirror image the second's."""
    head = {"category": category, "judge": "j", "model": "ours", "baseline": baseline}
    labels = (label, {"A>>B": "B>>A", "B>A": "A>B"}[label])
    games = [{"judgment": {"answer": f"[[{each}]]"}, "score": each} for each in labels]
    return [head | {"uid": f"{category}{at}", "games": games} for at in range(prompts)]


def test_categories_judged_against_other_baselines_have_a_row_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = battles("hard_prompt", "o3", "A>>B", 3) + battles("creative_writing", "gemini", "B>A", 3)
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    main(tmp_path / "a.jsonl", protocol="arena-hard", resamples=50)
    rows = table(capsys.readouterr().out)
    assert [(row["baseline"], row["category"], row["win rate [95 %]"].split(" ")[0]) for row in rows] == [
        ("o3", "hard_prompt", "0.00"), ("gemini", "creative_writing", "100.00"),
    ]  # fmt: skip


def test_two_annotators_of_one_model_have_a_row_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row | {"annotator": name} for name in ("one", "two") for row in annotations(10)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    main(tmp_path / "a.json", protocol="alpaca-eval", resamples=50)
    one, two = table(capsys.readouterr().out)
    assert (one.pop("judge"), two.pop("judge")) == ("one", "two") and one == two


def test_recorded_nulls_and_broken_pairs_are_counted_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = battles("hard_prompt", "o3", "A>>B", 3) + battles("creative_writing", "gemini", "B>A", 3)
    records[0]["games"][1]["score"] = None  # all three records share their games
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    main(tmp_path / "a.jsonl", protocol="arena-hard", resamples=50)
    shown = capsys.readouterr()
    assert [row["no verdict"] for row in table(shown.out)] == ["6", "0"]
    assert "3 games count as missing: they are recorded without a verdict" in shown.err
    assert "3 games count as missing because the other game of their pair" in shown.err


ASK = """
import json, sys
import pandas
import alpaca_eval.metrics.glm_winrate as glm
rows, gamed, form = sys.argv[1:]
glm.hf_hub_download = lambda **_: gamed  # the package downloads it for the minimal form too, and ignores it there
found = glm.get_length_controlled_winrate(pandas.DataFrame(json.load(open(rows))), form, save_weights_dir=None)
print(json.dumps({name: float(value) for name, value in found.items()}))
"""


@pytest.mark.skipif(ORACLE is None, reason="set ALPACA_EVAL_PYTHON to a Python that has alpaca_eval to compare with it")
@pytest.mark.parametrize("form", ["length_controlled_minimal", "length_controlled_v1"])
def test_all_figures_are_those_of_the_alpaca_eval_package(tmp_path: Path, form: Any) -> None:
    from m2m.commands.score import add_difficulty
    from m2m.judging.recorded_judgements import read_alpaca_eval
    from m2m.judging.scoring.leaderboard import score_games

    rows = annotations(300)
    (tmp_path / "a.json").write_text(json.dumps(rows))
    gamed = gamed_file(tmp_path / "gamed.csv", 300)
    words = [str(ORACLE), "-W", "ignore", "-c", ASK, str(tmp_path / "a.json"), str(gamed), form]
    asked = subprocess.run(words, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr
    theirs = json.loads(asked.stdout.splitlines()[-1])
    full = form == "length_controlled_v1"
    ours = score_games("alpaca-eval", *add_difficulty(read_alpaca_eval(rows), gamed if full else None), 1, 10)
    assert 100 * ours["win_rate"][0] == pytest.approx(theirs["win_rate"], abs=1e-9)  # type: ignore[index]
    for name in ("standard_error", "discrete_win_rate"):
        assert 100 * ours[name] == pytest.approx(theirs[name], abs=1e-9)
    controlled, *_ = ours["lc_win_rate" if full else "lc_minimal_win_rate"]  # type: ignore[misc]
    assert 100 * controlled == pytest.approx(theirs["length_controlled_winrate"], abs=1e-4)


@pytest.mark.skipif(RECORDED is None, reason="set ALPACA_EVAL_ANNOTATIONS to a folder of recorded ones to read them")
def test_recorded_annotations_give_the_published_figures(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(str(RECORDED))
    main(folder / "annotations.parquet", protocol="alpaca-eval", published=folder / "leaderboard.csv", resamples=100)
    rows = table(capsys.readouterr().out)
    assert len(rows) == pl.read_csv(folder / "leaderboard.csv").height
    for row in rows:
        assert row["win rate [95 %]"].split(" [")[0] == row["published win_rate"]
        assert row["standard error"] == row["published standard_error"]
        assert row["discrete"] == row["published discrete_win_rate"]


@pytest.mark.skipif(None in (RECORDED, ORACLE), reason="set ALPACA_EVAL_ANNOTATIONS and ALPACA_EVAL_PYTHON to compare")
def test_the_minimal_length_control_of_recorded_annotations_is_the_alpaca_eval_package_s(tmp_path: Path) -> None:
    from m2m.judging.recorded_judgements import read_alpaca_eval
    from m2m.judging.scoring.leaderboard import score_games

    recorded = pl.read_parquet(Path(str(RECORDED)) / "annotations.parquet")
    for (name,), part in recorded.group_by("model", maintain_order=True):
        rows = [row | {"raw_completion": json.loads(row["raw_completion"] or "null")} for row in part.to_dicts()]
        (tmp_path / "a.json").write_text(json.dumps(rows))
        gamed = gamed_file(tmp_path / "gamed.csv", len(rows))
        words = [str(ORACLE), "-W", "ignore", "-c", ASK, str(tmp_path / "a.json"), str(gamed)]
        asked = subprocess.run([*words, "length_controlled_minimal"], capture_output=True, text=True)
        assert asked.returncode == 0, asked.stderr
        theirs = json.loads(asked.stdout.splitlines()[-1])["length_controlled_winrate"]
        games = read_alpaca_eval(rows).with_columns(difficulty=pl.lit(None, pl.Float64))
        ours = score_games("alpaca-eval", games, None, 1, 10)["lc_minimal_win_rate"][0]  # type: ignore[index]
        assert 100 * ours == pytest.approx(theirs, abs=1e-4), name


def test_the_command_answers_from_the_shell(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    words = [sys.executable, "-m", "m2m", "score", str(tmp_path / "a.json"), "--protocol", "alpaca-eval"]
    asked = subprocess.run(words, capture_output=True, text=True)
    assert asked.returncode == 1
    assert asked.stderr.startswith("error: ") and "holds no alpaca-eval judgement" in asked.stderr


def test_a_leaderboard_may_begin_with_whole_numbers_and_one_that_is_torn_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(annotations(10)))
    others = "".join(f"model-{number},12,1\n" for number in range(150))
    (tmp_path / "board.csv").write_text(f",win_rate,standard_error\n{others}ours,12.5,0.5\n")
    main(tmp_path / "a.json", protocol="alpaca-eval", published=tmp_path / "board.csv", resamples=50)
    assert table(capsys.readouterr().out)[0]["published win_rate"] == "12.50"
    (tmp_path / "board.csv").write_text('a,b\n"1,2\n')
    with pytest.raises(ValueError, match=r"board\.csv is no table"):
        main(tmp_path / "a.json", protocol="alpaca-eval", published=tmp_path / "board.csv", resamples=50)
