"""The curves over sizes → the answer in sentences: how many rows are enough, and whether the curve can be trusted."""

from collections.abc import Sequence
from math import isclose

from m2m.study.cells.labels import start_sentence
from m2m.study.sizes.curves import UNITS, CurveRow

SHARE = "95 %"


def write_sizes_answer(curves: Sequence[CurveRow]) -> list[str]:
    """Sentences, those of each curve against rows before those against tokens."""
    return [sentence for curve in curves for sentence in _describe_curve(curve)]


def _describe_curve(curve: CurveRow) -> list[str]:
    unit = UNITS[curve["by"]]
    if "reason" in curve:
        return [start_sentence(f"{curve['strategy']}, by {unit}: no curve, since {curve['reason']}.")]
    pool = (
        "the whole pool" if curve["whole_is_pool"] else f"the largest subset ({_count(curve['whole'], curve)} {unit})"
    )
    if curve["whole_gain"] <= 0:
        return [start_sentence(f"{curve['strategy']}, by {unit}: {pool} gains nothing over the base model.")]
    if not curve["falls"]:
        ends = " to ".join(_count(curve["points"][place]["amount"], curve) for place in (0, -1))
        return [
            start_sentence(f"{curve['strategy']}, by {unit}: from {ends}, more do not help: the curve does not fall.")
        ]
    enough = " to ".join(_count(curve[end], curve) for end in ("enough_low", "enough_high"))
    law = " to ".join(_negate(curve[end]) for end in ("exponent_high", "exponent_low"))
    by_log = "; 0 is a fall by the logarithm" if curve["exponent_low"] <= 0 else ""
    ahead = curve["ahead"]
    return [
        start_sentence(
            f"{curve['strategy']}: {_count(curve['enough'], curve)} {unit} reach {SHARE} of what {pool} gains "
            f"({curve['whole_gain']:.3f} bpb over the base model); 90 % interval {enough}."
        ),
        f"The curve falls as {unit} to the power {_negate(curve['exponent'])} (90 % interval {law}){by_log}.",
        f"At {_count(ahead['amount'], curve)} {unit} it predicts {ahead['bits']:.3f} bits per byte "
        f"({ahead['low']:.3f} to {ahead['high']:.3f}), if they do not rise again.",
        _describe_held_out(curve),
    ]


def _negate(exponent: float) -> str:
    return f"{-exponent:.2f}".replace("-", "−")


def _describe_held_out(curve: CurveRow) -> str:
    held_out = curve["held_out"]
    if held_out is None:
        return "No size was held out: too few sizes are at most a quarter of the largest."
    place = "inside" if held_out["low"] <= held_out["observed"] <= held_out["high"] else "outside"
    return (
        f"Held out: from sizes up to a quarter, the largest was predicted at {held_out['low']:.3f} to "
        f"{held_out['high']:.3f}. It is {held_out['observed']:.3f}, {place} that 90 % interval."
    )


def _count(amount: float, curve: CurveRow) -> str:
    """Two significant digits, with thousands separated; all digits of a size that was run."""
    is_run = any(isclose(amount, point["amount"], rel_tol=1e-4) for point in curve["points"])
    return f"{round(amount) if is_run else int(float(f'{amount:.2g}')):,}"
