"""The sheet is blind and random, its text escaped, and what comes back is checked."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from m2m.human.ratings import MOST_BYTES, read_ratings, read_sheet_key
from m2m.human.sheet import Model, Sheet, draw_sheet, write_sheet

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)> & \u202eabc \ud7ff"
PROMPTS = 12
MODELS = Model(name="Alpha", answers="a" * 32), Model(name="Beta", answers="b" * 32)


def make_games() -> pl.DataFrame:
    """Prompts p00 … p11; the last two have equal answers."""
    return pl.DataFrame(
        {
            "id": [f"p{row:02}" for row in range(PROMPTS)],
            "instruction": [f"question {row} {HOSTILE}" for row in range(PROMPTS)],
            "candidate_answer": [f"first {row} {HOSTILE}" if row < 10 else "same" for row in range(PROMPTS)],
            "opponent_answer": [f"second {row}" if row < 10 else "same " for row in range(PROMPTS)],
            "benchmark": "b",
            "opponent": "second",
            "candidate_cost": [1.0, 2.0, 3.0, None] * 3,
            "opponent_cost": [2.0, 2.0, 2.0, 2.0] * 3,
        }
    )


@pytest.fixture
def sheet() -> Sheet:
    return draw_sheet(make_games(), 8, 3, *MODELS)


def save(folder: Path, key: Sheet, **changed: Any) -> Path:
    record = {"sheet": key.key.sheet, "rater": "A", "choices": {"1": "left", "2": "tie"}} | changed
    path = folder / f"{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps(record))
    return path


def test_pairs_are_drawn_from_prompts_whose_answers_differ_and_the_key_tells_the_sides(sheet: Sheet) -> None:
    assert (sheet.key.identical, sheet.key.different) == (["p10", "p11"], 10)
    assert len({pair.id for pair in sheet.key.pairs}) == len(sheet.pairs) == 8
    for pair, key in zip(sheet.pairs, sheet.key.pairs, strict=True):
        row = int(key.id[1:])
        assert pair["question"].startswith(f"question {row} ")
        assert pair["left"].startswith(f"{'first' if key.first_is_left else 'second'} {row}")
        assert pair["right"].startswith(f"{'second' if key.first_is_left else 'first'} {row}")


def test_the_key_has_the_likelier_model_of_each_prompt_with_a_reference(sheet: Sheet) -> None:
    assert {prompt: share for prompt, share in sheet.key.likelihood.items() if prompt < "p04"} == {
        "p00": 1,
        "p01": 0.5,
        "p02": 0,
    }
    assert len(sheet.key.likelihood) == 9


def test_sides_and_pairs_are_random_and_a_seed_repeats() -> None:
    sheets = [draw_sheet(make_games(), 5, seed, *MODELS) for seed in (*range(40), 0)]
    sides = np.array([[pair.first_is_left for pair in sheet.key.pairs] for sheet in sheets])
    assert 0.35 < sides.mean() < 0.65
    assert len({pair.id for sheet in sheets for pair in sheet.key.pairs}) == 10
    assert sheets[0] == sheets[-1]


def test_the_page_names_no_model_and_no_prompt_and_escapes_what_it_shows(sheet: Sheet, tmp_path: Path) -> None:
    write_sheet(sheet, tmp_path / "sheet.html", tmp_path / "key.json")
    text = (tmp_path / "sheet.html").read_text()
    assert not any(name in text for name in ("Alpha", "Beta", "p03", "first_is_left"))
    assert "<img" not in text and text.count("</script>") == 2 and "default-src 'none'" in text
    assert read_sheet_key(tmp_path / "key.json") == sheet.key


def test_left_and_right_become_wins_of_the_first_model(sheet: Sheet, tmp_path: Path) -> None:
    paths = [save(tmp_path, sheet, rater="B"), save(tmp_path, sheet, rater="A", choices={"1": "right"})]
    raters, table = read_ratings(paths, sheet.key)
    on_left = float(sheet.key.pairs[0].first_is_left)
    assert raters == ["A", "B"]
    assert table[:, 0].tolist() == [1 - on_left, on_left]
    assert table[1, 1] == 0.5
    assert np.isnan(table[0, 1:]).all() and np.isnan(table[1, 2:]).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sheet": "0" * 16}, "rates sheet '0000000000000000', the key is of"),
        ({"choices": {"99": "left"}}, "rates pair '99', not in the sheet of 8 pairs"),
        ({"choices": {"1": "both"}}, "choices.1: Input should be 'left', 'right' or 'tie'"),
        ({"choices": {}}, "choices: Dictionary should have at least 1 item"),
        ({"choices": ["left"]}, "choices: Input should be a valid dictionary"),
        ({"rater": ""}, "rater: String should have at least 1 character"),
        ({"rater": "a\u001b[31m"}, "rater: String should match pattern"),
        ({"rater": 7}, "rater: Input should be a valid string"),
        ({"more": 1}, "more: Extra inputs are not permitted"),
    ],
)
def test_what_is_not_of_the_sheet_is_refused_with_its_reason(
    sheet: Sheet, tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    path = save(tmp_path, sheet, **changed)
    with pytest.raises(ValueError, match="json ") as error:
        read_ratings([path], sheet.key)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a saved sheet: Expecting value"),
        ("[1]", "is not a saved sheet: the file: Input should be a valid dictionary"),
        ('{"sheet": "a", "sheet": "b"}', "a name stands in it twice"),
        ("[" * 100_000, "nested too deeply"),
        (" " * (MOST_BYTES + 1), "bytes, more than 5,000,000"),
        ("\udcff", "is not a saved sheet"),
    ],
)
def test_what_is_no_saved_sheet_is_refused(sheet: Sheet, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "broken.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match="broken") as error:
        read_ratings([tmp_path / "broken.json"], sheet.key)
    assert message in str(error.value)


def test_two_files_of_one_rater_are_refused(sheet: Sheet, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"are both of rater 'A': keep one of them"):
        read_ratings([save(tmp_path, sheet), save(tmp_path, sheet)], sheet.key)


def test_a_key_of_before_models_had_unanswered_prompts_is_read(sheet: Sheet, tmp_path: Path) -> None:
    record = json.loads(sheet.key.model_dump_json())
    assert record["first"].pop("unanswered") == record["second"].pop("unanswered") == []
    (tmp_path / "key.json").write_text(json.dumps(record))
    assert read_sheet_key(tmp_path / "key.json") == sheet.key


def test_a_key_with_a_repeated_item_is_refused(sheet: Sheet, tmp_path: Path) -> None:
    write_sheet(sheet, tmp_path / "sheet.html", tmp_path / "key.json")
    text = (tmp_path / "key.json").read_text()
    (tmp_path / "key.json").write_text(text.replace('"item": 2', '"item": 1'))
    with pytest.raises(ValueError, match="names an item or a prompt twice"):
        read_sheet_key(tmp_path / "key.json")


def test_too_few_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="--pairs must be at least 2, got 1"):
        draw_sheet(make_games(), 1, 1, *MODELS)
    with pytest.raises(ValueError, match="only 0 of 2 prompts have two different answers"):
        draw_sheet(make_games().tail(2), 5, 1, *MODELS)
