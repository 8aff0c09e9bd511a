"""The curves over sizes → the answer in sentences: how many rows are enough, and whether the curve can be trusted."""

from collections.abc import Sequence

from m2m.study.cells.labels import start_sentence
from m2m.study.sizes.curves import CurveRow

SHARE = "95 %"


def write_sizes_answer(curves: Sequence[CurveRow]) -> list[str]:
    """Sentences, those of each curve against rows before those against tokens."""
    return [sentence for curve in curves for sentence in _describe_curve(curve)]


def _describe_curve(curve: CurveRow) -> list[str]:
    if "reason" in curve:
        return [start_sentence(f"{curve['strategy']}, by {curve['by']}: no curve, since {curve['reason']}.")]
    pool = (
        "the whole pool" if curve["whole_is_pool"] else f"the largest subset ({_count(curve['whole'])} {curve['by']})"
    )
    if curve["whole_gain"] <= 0:
        return [start_sentence(f"{curve['strategy']}, by {curve['by']}: {pool} gains nothing over the base model.")]
    enough = " to ".join(_count(curve[end]) for end in ("enough_low", "enough_high"))
    law = " to ".join(f"{curve[end]:.2f}" for end in ("exponent_low", "exponent_high"))
    ahead = curve["ahead"]
    return [
        start_sentence(
            f"{curve['strategy']}: {_count(curve['enough'])} {curve['by']} reach {SHARE} of what {pool} gains "
            f"({curve['whole_gain']:.3f} bpb over the base model); 90 % interval {enough}."
        ),
        f"The curve falls as {curve['by']} to the power −{curve['exponent']:.2f} (90 % interval {law}).",
        f"At {_count(ahead['amount'])} {curve['by']} it predicts {ahead['bits']:.3f} bits per byte "
        f"({ahead['low']:.3f} to {ahead['high']:.3f}).",
        _describe_held_out(curve),
    ]


def _describe_held_out(curve: CurveRow) -> str:
    held_out = curve["held_out"]
    if held_out is None:
        return "No size was held out: too few sizes are at most a quarter of the largest."
    place = "inside" if held_out["low"] <= held_out["observed"] <= held_out["high"] else "outside"
    return (
        f"Held out: from sizes up to a quarter, the largest was predicted at {held_out['low']:.3f} to "
        f"{held_out['high']:.3f}. It is {held_out['observed']:.3f}, {place} that 90 % interval."
    )


def _count(amount: float) -> str:
    """Two significant digits, with thousands separated."""
    return f"{int(float(f'{amount:.2g}')):,}"
