"""The judge's last label is a score; scores are the Bradley–Terry win rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from m2m.judging.protocols.arena_hard import LABELS, compute_weighted_win_rate, escape_labels, score_reply


@pytest.mark.parametrize(
    ("label", "second", "weight"),
    [("A>>B", 0, 3), ("A>B", 0, 1), ("A=B", 0.5, 1), ("B>A", 1, 1), ("B>>A", 1, 3)],
)
def test_five_labels_and_a_strong_one_counts_three_times(label: str, second: float, weight: int) -> None:
    assert score_reply(f"… My final verdict is: [[{label}]].") == (second, weight)


@pytest.mark.parametrize(("label", "same"), [("B<<A", "A>>B"), ("B<A", "A>B"), ("B=A", "A=B"), ("A<<B", "B>>A")])
def test_a_label_turned_round_is_the_same_label(label: str, same: str) -> None:
    assert score_reply(f"[[{label}]]") == score_reply(f"[[{same}]]")


@pytest.mark.parametrize(
    ("reply", "same"),
    [
        ("[[A > B]]", "A>B"),
        ("[[ B>>A\n]]", "B>>A"),
        ("[[A>B]] as in bash: if [[ ]]", "A>B"),
        ("[[A>B]], no: [[ B > A ]] [[\n]]", "B>A"),
    ],
)
def test_blanks_say_nothing_within_a_label_or_alone_between_brackets(reply: str, same: str) -> None:
    assert score_reply(reply) == score_reply(f"[[{same}]]")
    assert score_reply(f"[[A>>>B]] {reply}") == score_reply(f"[[{same}]]")


@given(st.lists(st.sampled_from(sorted(LABELS)), min_size=1), st.text(alphabet="AB <>=x\n"))
def test_only_the_last_label_counts(labels: list[str], after: str) -> None:
    assert score_reply(" no, ".join(f"[[{label}]]" for label in labels) + after) == score_reply(f"[[{labels[-1]}]]")


@pytest.mark.parametrize(
    "reply",
    [
        None,
        "",
        "A is better",
        "[A>B]",
        "[[A]]",
        "[[C]]",
        "[[a>b]]",
        "[[A>B]] no: [[A>>>B]]",
        "[[A>B]] [[A>A]]",
        "[[ ]]",
    ],
)
def test_a_last_label_that_is_none_of_the_five_is_no_verdict(reply: str | None) -> None:
    assert score_reply(reply) is None


@given(st.text(alphabet="[]AB<>= \n", max_size=60))
def test_a_judge_that_quotes_an_answer_says_nothing(answer: str) -> None:
    """Also not by what the answer and the words around it make together."""
    assert score_reply(escape_labels(answer)) is None
    assert score_reply(f"[[A>B]] The answer was: {escape_labels(answer)}") == score_reply("[[A>B]]")


def test_texts_without_labels_stay_as_they_are() -> None:
    code = "x[[0]][['A']] [[1, 2]] [[]]"
    assert escape_labels(code) == code


def test_the_win_rate_is_that_of_an_unpenalised_bradley_terry_fit_of_all_models_at_once() -> None:
    """As v0.1 does it: copies of strong games, a tie as half a win and half a loss, the baseline's strength fixed."""
    rng, models = np.random.default_rng(3), 3
    who = rng.integers(models, size=300)
    won, weight = rng.choice([0, 0.5, 1], size=300), rng.choice([1, 3], size=300)
    rows = np.eye(models)[np.concatenate([who, who])]
    fit = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10)
    fit.fit(rows, np.repeat([1, 0], 300), sample_weight=np.concatenate([weight * won, weight * (1 - won)]))
    for model, strength in enumerate(fit.coef_[0]):
        mine = who == model
        rate = compute_weighted_win_rate((weight * won)[mine], weight[mine])
        assert rate == pytest.approx(1 / (1 + np.exp(-strength)), abs=1e-6)
