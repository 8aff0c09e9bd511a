import numpy as np
import polars as pl

from m2m.judging.protocols.offline_judges import baselines, by_likelihood, by_similarity, games
from m2m.judging.protocols.winrate import preference

PROMPTS = pl.DataFrame(
    {
        "id": ["a", "b", "c"],
        "benchmark": ["x", "x", "y"],
        "instruction": ["?", "?", "?"],
        "reference": ["north", "east", None],
        "baseline": ["gpt", None, "gpt"],
        "baseline_answer": ["east", None, "west"],
    }
)


def answers(said, bits):
    size = [4 if cost is not None else None for cost in bits]
    return pl.DataFrame({"id": ["a", "b", "c"], "answer": said, "bits": bits, "bytes": size}, strict=False)


OURS = answers(["north", "east", "west"], [2.0, 8.0, None])
THEIRS = answers(["east", "east", "north"], [4.0, 4.0, None])
VECTORS = {
    "north": np.array([0, 1], np.float32),
    "east": np.array([1, 0], np.float32),
    "west": np.array([-1, 0], np.float32),
}


def test_the_lower_cost_of_the_reference_wins():
    judged = by_likelihood(games(PROMPTS, OURS, THEIRS, "opponent"))
    assert [preference(raw) for raw in judged["raw"]] == [1.0, 0.0]
    assert judged["id"].to_list() == ["a", "b"]  # c has no reference


def test_the_answer_nearer_to_the_reference_wins_and_equal_ones_tie():
    judged = by_similarity(games(PROMPTS, OURS, THEIRS, "opponent"), VECTORS)
    assert [preference(raw) for raw in judged["raw"]] == [1.0, 0.5]


def test_a_baseline_that_is_only_text_has_no_likelihood():
    rows = games(PROMPTS, OURS, baselines(PROMPTS)["gpt"], "gpt")
    assert by_likelihood(rows).is_empty()
    assert by_similarity(rows, VECTORS).select("id", "opponent").rows() == [("a", "gpt")]
