"""Every number of the report on people and judge, from ratings and verdicts whose numbers are known."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from m2m.human.comparison import compare_with_judge, compare_with_people
from m2m.human.sheet import KeyPair, SheetKey

PAIRS = [KeyPair(item=item, id=f"p{item}", first_is_left=True) for item in range(1, 7)]
KEY = SheetKey(sheet="0" * 16, first="Alpha", second="Beta", identical=["q1", "q2"], different=12, pairs=PAIRS)
TABLE = np.array([[1, 1, 0, 0.5, 0, np.nan], [1, 0, 0, 0.5, np.nan, np.nan]])


def make_verdicts(wins: dict[str, bool]) -> pl.DataFrame:
    raw = [json.dumps({"candidate": 1, "opponent": 2, "better": "lower" if won else "higher"}) for won in wins.values()]
    columns = {"id": list(wins), "benchmark": "b", "opponent": "opponent", "engine": "likelihood", "order": 0}
    return pl.DataFrame(columns | {"repeat": 0, "raw": raw}).sort("id")


def test_people_alone() -> None:
    lines = compare_with_people(KEY, ["A", "B"], TABLE, 1)
    assert lines[0] == "raters       2: A, B"
    assert lines[1] == "pairs        5 of 6 rated; 2 prompts with equal answers count as ties"
    # observed (1 − 0)² · 2 / 8, expected 24 / 56: 1 − 0.25 / 0.4286
    assert lines[2].startswith("agreement    Krippendorff's alpha between raters 0.42, 95 % CI ")
    # labels 1, 0.5, 0, 0.5, 0 have mean 0.4; 12 of 14 prompts differ: 0.4 · 12 / 14 + 0.5 · 2 / 14
    assert lines[3].startswith("people       Alpha wins 41.4 % against Beta, 95 % CI ")


def test_the_judge_beside_people() -> None:
    wins = {"p1": True, "p2": True, "p3": False, "p4": True, "p5": True} | {f"r{row}": row < 3 for row in range(6)}
    lines = compare_with_judge(KEY, TABLE, make_verdicts(wins | {"q1": True}), "likelihood", 1)
    assert lines[0] == "likelihood"
    assert lines[1].endswith("same winner in 2 of 3 pairs without a tie")
    # 4 of 5 and 3 of 6 wins, and two ties: 8 / 13
    assert lines[2] == "  judge      61.5 %, as it stands, over 13 prompts"
    assert lines[3].startswith("  corrected  Alpha wins ") and "weight of the judge 0." in lines[3]
    assert lines[4].startswith("  people     Alpha wins 41.4 % against Beta") and lines[4].endswith("% narrower")
    assert lines[5].startswith("  warning    5 labelled pairs are few: ")


def test_a_judge_of_other_prompts_is_refused() -> None:
    with pytest.raises(ValueError, match="likelihood judged 1 of the rated pairs, at least 2 are needed"):
        compare_with_judge(KEY, TABLE, make_verdicts({"p1": True, "r1": True}), "likelihood", 1)


def test_the_commands_make_a_sheet_and_read_it_back(tmp_path: Path) -> None:
    from m2m.commands.human import Export, Import, main
    from m2m.human.ratings import read_sheet_key
    from m2m.runtime.artifacts import write_table
    from m2m.schemas.answers import Answers
    from m2m.schemas.prompts import Prompts
    from m2m.schemas.verdicts import Verdicts

    ids = [f"p{row}" for row in range(1, 9)]
    text = pl.lit(None, pl.String)
    prompts = pl.DataFrame({"id": ids, "benchmark": "b", "instruction": "x"})
    write_table(
        tmp_path / "prompts.parquet", Prompts, prompts.with_columns(reference=text, baseline=text, baseline_answer=text)
    )
    for name in ("first", "second"):
        answers = pl.DataFrame({"id": ids, "answer": [f"{name} {row}" for row in ids], "tokens": 1, "truncated": False})
        costs = {"bits": pl.lit(None, pl.Float64), "bytes": pl.lit(None, pl.Int32)}
        write_table(tmp_path / f"{name}.parquet", Answers, answers.cast({"tokens": pl.Int32}).with_columns(**costs))
    verdicts = make_verdicts({name: row % 2 == 0 for row, name in enumerate(ids)})
    write_table(tmp_path / "verdicts.parquet", Verdicts, verdicts.cast({"order": pl.Int8, "repeat": pl.Int16}))
    first, second = (str(tmp_path / f"{name}.parquet") for name in ("first", "second"))
    export = Export(tmp_path / "sheet.html", first, second, tmp_path / "prompts.parquet", pairs=5)
    main(export)
    key = read_sheet_key(tmp_path / "sheet.key.json")
    assert len(key.pairs) == 5
    with pytest.raises(ValueError, match=r"sheet\.html exists: name a new file"):
        main(export)
    choices = {str(pair.item): "left" if pair.first_is_left else "right" for pair in key.pairs}
    (tmp_path / "A.json").write_text(json.dumps({"sheet": key.sheet, "rater": "A", "choices": choices}))
    main(Import(tmp_path / "sheet.key.json", (tmp_path / "A.json",), tmp_path / "verdicts.parquet"))
    with pytest.raises(ValueError, match="name at least one file that a rater saved"):
        main(Import(tmp_path / "sheet.key.json", ()))
    with pytest.raises(ValueError, match="--opponent must be one of opponent, got gpt"):
        main(Import(tmp_path / "sheet.key.json", (tmp_path / "A.json",), tmp_path / "verdicts.parquet", "gpt"))
