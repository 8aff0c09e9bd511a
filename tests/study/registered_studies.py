"""Planted grids of the registered profiles: their very cells, with a level that a test knows and noise of seeds."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.planted import planted_grid
from m2m.grid.design import list_cells, normalize_cell
from m2m.grid.params.params_file import read_settings
from m2m.grid.params.profiles import apply_profiles
from m2m.study.analysis.hypotheses import Registration, read_hypotheses

ROOT = Path(__file__).parent.parent.parent
Level = Callable[[Mapping[str, Any]], float]


def read_profile_settings(name: str) -> Any:
    """params.yaml with the profile; wherever a test runs."""
    settings = read_settings(ROOT / "params.yaml")
    profile = read_settings(ROOT / f"profiles/{name}.yaml")
    apply_profiles(settings, read_settings(ROOT / f"profiles/{profile.pop('like')}.yaml"), profile)
    return settings


def read_registration(settings: Any, **changes: Any) -> Registration:
    """The profile's hypotheses, with nothing asked of prompts unless `changes` do."""
    return Registration(read_hypotheses(settings["analyze"]["hypotheses"]), 0, "shown")._replace(**changes)


def plant_profile(settings: Any, level: Level, *, noise: float = 0.001, seed: int = 0) -> pl.DataFrame:
    """A table of the profile's cells; random's level is 0."""
    rng, template = np.random.default_rng(seed), planted_grid({}, random=1).row(0, named=True)
    rows = []
    for number, cell in enumerate(list_cells(settings["grid"]["parts"], settings["subset"], "full")):
        known = {name: value for name, value in normalize_cell(cell).items() if name in template}
        outcomes = {"bpb_reduction": level(known) + rng.normal(0, noise), "likelihood_win_rate": None}
        tokens = {name: rng.normal(100, 5) for name in ("mean_response_tokens", "response_mean_tokens")}
        rows.append(template | known | outcomes | tokens | {"experiment": f"cell-{number:03d}"})
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col("likelihood_win_rate").cast(pl.Float64))


def rise_to_random(cell: Mapping[str, Any]) -> float:
    """All that the paper claims, up to random's level: response-micro loses most at degree 0, instructions a little."""
    slopes = {"response-micro": 0.03, "response-meso": 0.02, "response-macro": 0.01}
    slope = 0.0 if cell["strategy"] in ("random", "longest", "length-matched") else slopes.get(cell["strategy"], 0.003)
    return slope * (cell["degree"] / 6 - 1)
