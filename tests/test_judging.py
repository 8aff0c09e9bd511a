"""The judge against a real server: `transformers serve`, and the same model in this process, with log-probabilities."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from m2m.judging.scoring.leaderboard import score_llm_judges
from tests.llm_server import HERE
from tests.stages.test_judge import answers, judged, prompts
from tests.transformers_server import save_parrot, transformers_serve

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("llm_home")]

ALWAYS = "[[B>A]] at first, but: [[A>B]]"
SAID = {"candidate": answers(["sum", "a list"], [None, None]), "opponent": answers(["no", "yes"], [None, None])}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The URL of `transformers serve`."""
    with transformers_serve(tmp_path_factory.mktemp("served") / "log") as url:
        yield replace(HERE, url=url, concurrency=2, timeout=60)


def figures(folder: Path, engine: Any, endpoint: Any, llm: Any) -> Any:
    """What a cell has of this judge; it reads the shipped templates."""
    asked = prompts([None, None])
    settings: dict[str, Any] = {"engines": (engine,), "endpoint": endpoint, "llm": llm, "orders": "both"}
    found = judged(folder, asked, SAID["candidate"], SAID["opponent"], **settings)
    return score_llm_judges(found, asked, SAID, None, 1, 50)


@pytest.mark.parametrize("llm", ["endpoint", "local"])
def test_arena_hard_from_answers_to_figures_of_a_judge_that_likes_the_first(
    served: Any, tokenizer: Any, tmp_path: Path, llm: str
) -> None:
    parrot = replace(served, model=str(save_parrot(tmp_path / "parrot", tokenizer, ALWAYS)))
    found = figures(tmp_path, "arena-hard", parrot, llm)
    assert found["arena_hard_win_rate"] == pytest.approx((0.5, 0.095, 0.905), abs=1e-3)  # two prompts: little is known
    assert (found["arena_hard_flips"], found["arena_hard_first_wins"], found["arena_hard_missing"]) == (1, 1, 0)


def test_alpaca_eval_reads_the_probabilities_of_a_model_in_this_process(tokenizer: Any, tmp_path: Path) -> None:
    parrot = replace(HERE, model=str(save_parrot(tmp_path / "parrot", tokenizer, "M")))
    found = figures(tmp_path, "alpaca-eval", parrot, "local")
    assert (found["alpaca_eval_missing"], found["alpaca_eval_flips"], found["alpaca_eval_first_wins"]) == (0, 1, 0)


def test_alpaca_eval_says_what_it_needs_where_a_server_gives_no_log_probabilities(
    served: Any, tokenizer: Any, tmp_path: Path
) -> None:
    parrot = replace(served, model=str(save_parrot(tmp_path / "parrot", tokenizer, "M")))
    with pytest.raises(OSError, match=r"failed for good.*log-probabilities, which this judge needs"):
        figures(tmp_path, "alpaca-eval", parrot, "endpoint")
