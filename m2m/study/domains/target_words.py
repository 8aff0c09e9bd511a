"""The record of a target → whether targeting or diversity wins in sentences, and a table."""

from m2m.study.bake_off.comparison import BakeOff, SelectorRow
from m2m.study.cells.labels import (
    format_difference,
    format_interval,
    name_configuration,
    name_nearest,
    start_sentence,
)
from m2m.study.cells.outcomes import get_unit
from m2m.study.domains.target import NearComparison, TargetRecord

LONGER = 1.1  # times random's length: length alone may then make a gain
TARGET_HEADER = (
    "selector",
    "cells",
    "gain on the target (95 % CI for all)",
    "gain elsewhere (95 % CI for all)",
    "response tokens",
)


def write_target_answer(record: TargetRecord) -> list[str]:
    """Sentences: who beats random on the target, targeting against diversity, diversity on top, and the rest."""
    unit = get_unit(record["here"]["outcome"])
    sentences = [
        *_describe_winners(record["here"], f"On the {record['prompts']} prompts of {record['target']}"),
        *(sentence for near in record["near"] for sentence in _describe_near(near, unit)),
        *_describe_winners(record["elsewhere"], f"On the {record['other_prompts']} other prompts"),
    ]
    return [start_sentence(sentence) for sentence in sentences]


def list_target_rows(record: TargetRecord) -> list[tuple[str, ...]]:
    """A row a selector under TARGET_HEADER, the largest gain on the target first, and random last."""
    elsewhere = {name_configuration(row): row for row in record["elsewhere"]["selectors"]}
    rows = [
        (
            name_configuration(row),
            str(row["cells"]),
            _format_gain(row),
            _format_gain(elsewhere[name_configuration(row)]),
            f"{row['mean_response_tokens']:.0f}",
        )
        for row in sorted(record["here"]["selectors"], key=lambda row: -row["value"])
    ]
    randoms = [(record[side]["random"][0]["half_width"], record[side]["random"][0]) for side in ("here", "elsewhere")]
    widths = [f"one cell: ±{width:.3f}" for width, _ in randoms]
    return [*rows, ("random", str(randoms[0][1]["cells"]), *widths, f"{randoms[0][1]['mean_response_tokens']:.0f}")]


def _describe_winners(record: BakeOff, place: str) -> list[str]:
    rows = sorted(record["selectors"], key=lambda row: -row["value"])
    better, worse = [row for row in rows if row["all_low"] > 0], [row for row in rows if row["all_high"] < 0]
    sentences = [f"{place}, {len(better)} of {len(rows)} selectors beat random rows, and {len(worse)} lose to them."]
    unit, length = get_unit(record["outcome"]), record["random"][0]["mean_response_tokens"]
    if better:
        sentences.append(f"The best is {_describe_gain(better[0], unit)}.")
    if longer := [row for row in better if row["mean_response_tokens"] > LONGER * length]:
        count = f"{len(longer)} of the {len(better)} that beat random"
        sentences.append(f"Over a tenth longer than random's {length:.0f} tokens are the responses of {count}.")
    if worse:
        sentences.append(f"The worst is {_describe_gain(worse[-1], unit)}.")
    return sentences


def _describe_near(near: NearComparison, unit: str) -> list[str]:
    """The highest degree of each strategy of units against random of the nearest rows: alone, and on top of them."""
    nearest = name_nearest(near)
    sentences = []
    for row in near["diversity_alone"]:
        contrast = f"{name_configuration(row)} − random of the {nearest}"
        sentences.append(f"{contrast}: {_judge_contrast(row, unit, ('diversity wins', 'targeting wins'))}")
    for row in near["diversity_on_top"]:
        contrast = f"of the {nearest}, {name_configuration({**row, 'prefilter': 'random'})} − random"
        sentences.append(f"{contrast}: {_judge_contrast(row, unit, ('diversity adds', 'diversity costs'))}")
    return sentences


def _judge_contrast(row: SelectorRow, unit: str, verdicts: tuple[str, str]) -> str:
    """The difference of a row to its baseline, and which of the verdicts its interval allows."""
    verdict = "cannot tell"
    if row["all_low"] > 0:
        verdict = verdicts[0]
    elif row["all_high"] < 0:
        verdict = verdicts[1]
    return f"{_format_difference(row, unit)}, {verdict}."


def _describe_gain(row: SelectorRow, unit: str) -> str:
    return f"{name_configuration(row)}, {_format_difference(row, unit)}"


def _format_difference(row: SelectorRow, unit: str) -> str:
    return f"{format_difference(row['value'])} {unit} (95 % CI {format_interval(row, 'all_low', 'all_high')})"


def _format_gain(row: SelectorRow) -> str:
    return f"{format_difference(row['value'])} ({format_interval(row, 'all_low', 'all_high')})"
