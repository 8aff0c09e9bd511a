"""Likings and answer lengths → the win rate that the candidate would have at the baseline's length (AlpacaEval 2.0)."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

GAMED_WEIGHT = 0.1  # of a row of the two gamed baselines: 0.2 shared by two
FOLDS, SEED = 5, 123
FREE = 1e4  # the weakest penalty that cross-validation may choose: as good as none
CLIP = 1e-12  # liblinear forgets a row of weight 0, and with the last one a class


class Gamed(NamedTuple):
    """Recorded annotations of the two gamed baselines, which keep the length term honest; published with AlpacaEval."""

    likings: Float[np.ndarray, "rows"]  # 0..1
    lengths: Float[np.ndarray, "rows"]  # difference of lengths, in standard deviations of its own model
    difficulty: Float[np.ndarray, "rows"]


class LengthGames(NamedTuple):
    """One row a prompt with a verdict: the liking for the candidate, and what else the regression knows."""

    likings: Float[np.ndarray, "prompts"]  # 0..1
    surplus: Int[np.ndarray, "prompts"]  # characters of the baseline's answer − those of the candidate's
    difficulty: Float[np.ndarray, "prompts"] | None = None  # given with `gamed` only: the full form
    gamed: Gamed | None = None


class Training(NamedTuple):
    """Rows to fit, each with a soft label and a weight."""

    rows: Float64[np.ndarray, "rows features"]
    labels: Float64[np.ndarray, "rows"]
    weights: Float64[np.ndarray, "rows"]


def length_controlled(games: LengthGames) -> float:
    """The win rate, 0..1, at equal lengths, with the strength of the penalty (1e-4..1e4) that cross-validation chose.

    An L1 logistic regression of the likings on tanh of the standardised length difference, difficulty (full form
    only) and a constant, then its mean prediction with the length term at 0. Dubois et al. 2024; alpaca_eval 0.6.6,
    `glm_winrate.py`, whose figures these are. ValueError below five prompts, and where lengths do not vary.
    """
    training = _training(games, np.arange(len(games.likings)))
    return _win_rate(_fitted(training, _chosen_strength(training)), games.difficulty)


def controlled_interval(games: LengthGames, rng: np.random.Generator, resamples: int) -> tuple[float, float]:
    """The 95 % interval (low, high) of the length-controlled win rate: prompts drawn whole, the regression fitted anew.

    Without the penalty, which near 0.5 takes all coefficients away: with it every sample would say 0.5 and nothing
    else (805 prompts, a truth of 0.52: such intervals held it in 20 of 40 trials, these in 39). A rate that was shrunk
    to 0.5 may so lie outside.
    """
    found = []
    for drawn in rng.integers(len(games.likings), size=(resamples, len(games.likings))):
        difficulty = None if games.difficulty is None else games.difficulty[drawn]
        found.append(_win_rate(_fitted(_training(games, drawn), FREE), difficulty))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def _training(games: LengthGames, drawn: Int[np.ndarray, "drawn"]) -> Training:
    """The drawn prompts, after the gamed baselines' rows, which know no constant; unit: the spread of all games."""
    spread = games.surplus.std(ddof=1) if len(drawn) >= FOLDS else 0
    if spread == 0:
        raise ValueError(f"length control needs {FOLDS} prompts and lengths that vary, got {len(drawn)} prompts")
    lengths, labels = games.surplus[drawn] / spread, games.likings[drawn]
    if games.difficulty is None or games.gamed is None:
        return Training(_features(lengths, None, 1), labels, np.ones(len(drawn)))
    before = _features(games.gamed.lengths, games.gamed.difficulty, 0)
    rows = np.vstack([before, _features(lengths, games.difficulty[drawn], 1)])
    weights = np.repeat([GAMED_WEIGHT, 1.0], [len(before), len(drawn)])
    return Training(rows, np.concatenate([games.gamed.likings, labels]), weights)


def _features(
    lengths: Float[np.ndarray, "rows"], difficulty: Float[np.ndarray, "rows"] | None, constant: int
) -> Float64[np.ndarray, "rows features"]:
    columns = [np.tanh(lengths), *([] if difficulty is None else [difficulty]), np.full(len(lengths), constant)]
    return np.column_stack(columns).astype(np.float64)


def _chosen_strength(training: Training) -> float:
    """The best of scikit-learn's ten strengths by log-likelihood in five folds; a prompt's two rows stay together."""
    import sklearn
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.metrics import make_scorer
    from sklearn.model_selection import GroupKFold

    rows, classes, soft, weights = _doubled(training)
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make_scorer(_soft_log_likelihood, response_method="predict_proba")
        model = LogisticRegressionCV(
            cv=GroupKFold(FOLDS),
            scoring=scorer.set_score_request(soft=True, weights=True),
            l1_ratios=(1,),
            solver="liblinear",
            fit_intercept=False,
            random_state=SEED,
            use_legacy_attributes=False,
        ).set_fit_request(sample_weight=True)
        groups = np.tile(np.arange(len(training.rows)), 2)
        model.fit(rows, classes, sample_weight=soft * weights, groups=groups, soft=soft, weights=weights)
    return float(model.C_)


def _fitted(training: Training, strength: float) -> Float64[np.ndarray, "features"]:
    from sklearn.linear_model import LogisticRegression

    rows, classes, soft, weights = _doubled(training)
    model = LogisticRegression(C=strength, l1_ratio=1, solver="liblinear", fit_intercept=False, random_state=SEED)
    return np.asarray(model.fit(rows, classes, sample_weight=soft * weights).coef_[0])


def _win_rate(coefficients: Float64[np.ndarray, "features"], difficulty: Float[np.ndarray, "prompts"] | None) -> float:
    """The mean prediction with the length term at 0; without difficulty it is the same for every prompt."""
    rows = _features(np.zeros(1 if difficulty is None else len(difficulty)), difficulty, 1)
    return float((1 / (1 + np.exp(-rows @ coefficients))).mean())


def _doubled(training: Training) -> tuple[Any, Any, Any, Any]:
    """Rows, classes, soft labels, weights: each row as a win by its soft label, then as a loss by the rest of it."""
    labels = np.clip(training.labels, CLIP, 1 - CLIP)
    classes = np.repeat([1, 0], len(labels))
    return np.vstack([training.rows] * 2), classes, np.concatenate([labels, 1 - labels]), np.tile(training.weights, 2)


def _soft_log_likelihood(classes: Any, predicted: Any, soft: Any, weights: Any) -> float:
    """Mean weighted log-likelihood of the soft labels, from rows that say class 1 or 0 of them."""
    truth = np.where(classes == 1, soft, 1 - soft)
    chance = np.clip(predicted, 1e-15, 1 - 1e-15)
    return float(np.mean(weights * (truth * np.log(chance) + (1 - truth) * np.log(1 - chance))))
