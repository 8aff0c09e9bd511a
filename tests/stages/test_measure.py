"""What the stage reads beside its tables: the two files of AlpacaEval's full length control."""

import json

import pytest

from stages.measure import _describe_reduction, _read_published

ROWS = ["0,concise,0.25,1.5,-0.5,False", "1,concise,0.5,0.0,0.75,False", "0,verbose,0.9,-2.0,-0.5,False"]


@pytest.fixture
def files(tmp_path):
    head = "index,model,preference,std_delta_len,instruction_difficulty,not_gamed_baseline"
    (tmp_path / "gamed.csv").write_text("\n".join([head, *ROWS]) + "\n")
    (tmp_path / "set.json").write_text(json.dumps([{"instruction": "First?"}, {"instruction": "Second?"}]))
    return str(tmp_path / "gamed.csv"), str(tmp_path / "set.json")


def test_difficulty_goes_by_the_order_of_the_evaluation_set(files):
    known = _read_published(*files)
    assert known.difficulty == {"First?": -0.5, "Second?": 0.75}
    assert known.gamed.preferences.tolist() == [0.25, 0.5, 0.9]
    assert known.gamed.lengths.tolist() == [1.5, 0.0, -2.0]
    assert known.gamed.difficulty.tolist() == [-0.5, 0.75, -0.5]


def test_neither_file_is_the_minimal_form_and_one_alone_is_refused(files):
    assert _read_published(None, None) is None
    for one in ((files[0], None), (None, files[1])):
        with pytest.raises(ValueError, match=r"measure\.gamed and measure\.alpaca_eval go together"):
            _read_published(*one)


def test_files_that_are_something_else_are_named(files, tmp_path):
    (tmp_path / "other.json").write_text("[1, 2]")
    with pytest.raises(ValueError, match=r"must name AlpacaEval's evaluation set, got .*other\.json"):
        _read_published(files[0], str(tmp_path / "other.json"))
    (tmp_path / "bad.csv").write_text("index,preference,std_delta_len,instruction_difficulty\n0,1.5,0.0,0.0\n")
    with pytest.raises(ValueError, match=r"bad\.csv is not a valid GamedAnnotations table: preference"):
        _read_published(str(tmp_path / "bad.csv"), files[1])


def test_a_cell_whose_prompts_have_no_references_has_no_describe_reduction_to_print():
    assert _describe_reduction({"arena_hard_win_rate": 0.5}) == ""
