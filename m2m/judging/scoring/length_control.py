"""Length-controlled win rate (AlpacaEval 2.0): the win rate if both answers had the same length."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from m2m.judging.scoring.prompt_bootstrap import FEW_PROMPTS, widen_to_wilson

GAMED_WEIGHT = 0.1  # of a row of the two gamed baselines: 0.2 shared by two
FOLDS, SEED = 5, 123
FREE = 1e4  # the weakest penalty that cross-validation may choose: almost none
CLIP = 1e-12  # liblinear drops a row of weight 0, and with the last such row a class


class GamedBaselines(NamedTuple):
    """Annotations of two gamed baselines, published with AlpacaEval, which stabilise the length term."""

    preferences: Float[np.ndarray, "rows"]  # 0..1
    lengths: Float[np.ndarray, "rows"]  # difference of lengths, in standard deviations of its own model
    difficulty: Float[np.ndarray, "rows"]


class LengthGames(NamedTuple):
    """One row a prompt with a verdict: the preference for the candidate, and the features of the regression."""

    preferences: Float[np.ndarray, "prompts"]  # 0..1
    surplus: Int[np.ndarray, "prompts"]  # characters of the baseline's answer − those of the candidate's
    difficulty: Float[np.ndarray, "prompts"] | None = None  # full form only, together with `gamed`
    gamed: GamedBaselines | None = None


class Training(NamedTuple):
    """Rows to fit, each with a soft label and a weight."""

    rows: Float64[np.ndarray, "rows features"]
    labels: Float64[np.ndarray, "rows"]
    weights: Float64[np.ndarray, "rows"]


def fit_length_controlled_rate(games: LengthGames) -> float:
    """The win rate, 0..1, at equal lengths, with the strength of the penalty (1e-4..1e4) that cross-validation chose.

    An L1 logistic regression of the preferences on tanh of the standardised length difference, difficulty (full form
    only) and a constant, then its mean prediction with the length term at 0. Dubois et al. 2024; alpaca_eval 0.6.6,
    `glm_winrate.py`, whose figures these are. ValueError below five prompts, and where lengths do not vary.
    """
    training = _training(games, np.arange(len(games.preferences)))
    return _win_rate(_fitted(training, _chosen_strength(training)), games.difficulty)


def bootstrap_length_controlled_rate(
    games: LengthGames, rate: float, rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    """The 95 % interval (low, high) of the length-controlled `rate`: a fit to each bootstrap sample of prompts.

    The penalty is off here. Near 0.5 it removes all coefficients, and every sample would give exactly 0.5 (805
    prompts, true rate 0.52: such intervals covered it in 20 of 40 trials, these in 39). A rate shrunk to 0.5 may
    therefore lie outside its interval. Below 100 prompts, and if all preferences are equal, the interval is widened to
    Wilson's (1927) of `rate`.
    """
    rates = []
    for rows in rng.integers(len(games.preferences), size=(resamples, len(games.preferences))):
        difficulty = None if games.difficulty is None else games.difficulty[rows]
        rates.append(_win_rate(_fitted(_training(games, rows), FREE), difficulty))
    low, high = (float(end) for end in np.quantile(rates, [0.025, 0.975]))
    if len(games.preferences) >= FEW_PROMPTS and games.preferences.min() < games.preferences.max():
        return low, high
    return widen_to_wilson((low, high), rate, len(games.preferences))


def _training(games: LengthGames, sample: Int[np.ndarray, "sample"]) -> Training:
    """The sampled prompts after the gamed baselines' rows, which have no constant; lengths in SDs of all games."""
    spread = games.surplus.std(ddof=1) if len(sample) >= FOLDS else 0
    if spread == 0:
        raise ValueError(f"length control needs {FOLDS} prompts and lengths that vary, got {len(sample)} prompts")
    lengths, labels = games.surplus[sample] / spread, games.preferences[sample]
    if games.difficulty is None or games.gamed is None:
        return Training(_features(lengths, None, 1), labels, np.ones(len(sample)))
    gamed = _features(games.gamed.lengths, games.gamed.difficulty, 0)
    rows = np.vstack([gamed, _features(lengths, games.difficulty[sample], 1)])
    weights = np.repeat([GAMED_WEIGHT, 1.0], [len(gamed), len(sample)])
    return Training(rows, np.concatenate([games.gamed.preferences, labels]), weights)


def _features(
    lengths: Float[np.ndarray, "rows"], difficulty: Float[np.ndarray, "rows"] | None, constant: int
) -> Float64[np.ndarray, "rows features"]:
    columns = [np.tanh(lengths), *([] if difficulty is None else [difficulty]), np.full(len(lengths), constant)]
    return np.column_stack(columns).astype(np.float64)


def _chosen_strength(training: Training) -> float:
    """The best of scikit-learn's ten strengths by log-likelihood in five folds; both rows of a prompt share a fold."""
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
