"""strategy: a misspelt strategy ends the run with the names, before DVC looks for its table."""

from pathlib import Path

import pytest

from m2m.runtime.artifacts import read_json
from stages.strategy import main


def test_what_is_known_of_a_strategy_is_written(tmp_path: Path) -> None:
    main(tmp_path / "new/candidate.json", strategy="k-center", match="response-micro", prefilter="random")
    record = read_json(tmp_path / "new/candidate.json")
    assert (record["strategy"], record["reads"], record["has_degree"], record["scale"]) == (
        "k-center",
        "data/vectors/response.parquet",
        False,
        None,
    )


@pytest.mark.parametrize(
    ("strategy", "match", "message"),
    [
        ("respons-micro", "random", r"subset\.strategy must be one of .*: did you mean response-micro\?"),
        ("length-matched", "response-mikro", r"subset\.match must be one of .*: did you mean response-micro\?"),
        ("?", "random", r"novel-select, .*, got \?$"),
    ],
)
def test_a_typing_error_is_answered_with_the_names_and_leaves_nothing(
    tmp_path: Path, strategy: str, match: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        main(tmp_path / "candidate.json", strategy=strategy, match=match, prefilter="random")
    assert not (tmp_path / "candidate.json").exists()


def test_a_match_that_the_strategy_does_not_read_is_not_looked_at(tmp_path: Path) -> None:
    main(tmp_path / "candidate.json", strategy="random", match="k-center", prefilter="random")


def test_a_prefilter_without_examples_is_answered_with_the_names(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"subset\.prefilter must be one of random, bm25, rds-plus, got bm52: did you mean"
    ):
        main(tmp_path / "candidate.json", strategy="random", match="random", prefilter="bm52")
