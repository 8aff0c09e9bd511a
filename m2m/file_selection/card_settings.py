"""Lists the settings of a selection for its data card, by the names of the command's flags."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from m2m.file_selection.arms import NO_LIMIT
from m2m.file_selection.exclusions import ExclusionSettings
from m2m.file_selection.file_pool import ReadSettings
from m2m.file_selection.unit_settings import UnitSettings
from m2m.selection.arm import ArmSettings
from m2m.strategies import get_strategy

NONE = "none"


def list_settings(
    settings: ArmSettings, reading: ReadSettings, exclusions: ExclusionSettings, units: UnitSettings
) -> dict[str, Any]:
    """Settings of the choice, of reading, and of the units where the strategy has some; a limit that is off is none."""
    entry = get_strategy(settings.strategy)
    listed = asdict(settings)
    listed |= {"min_tokens": settings.min_tokens or NONE}
    listed |= {"max_tokens": NONE if settings.max_tokens == NO_LIMIT else settings.max_tokens}
    if not entry.follows_match:
        del listed["match"]
    if not entry.has_degree:
        del listed["degree"]
    listed |= {name: NONE if value in (None, "") else value for name, value in asdict(reading).items()}
    prompts = ", ".join(Path(path).name for path in exclusions.prompts)
    listed |= {"prompts": prompts or NONE, "overlap": exclusions.overlap}
    listed |= {"quality": exclusions.quality or NONE, "quality_share": exclusions.quality_share}
    if exclusions.like:
        listed |= {"like": Path(exclusions.like).name, "like_share": exclusions.like_share}
    blocks = list_unit_blocks(settings)
    return listed | {name: value for name, value in list_unit_settings(units).items() if name.split(".")[0] in blocks}


def list_unit_settings(units: UnitSettings) -> dict[str, Any]:
    """All settings of units, each with its block: `band.low`."""
    blocks = {name: block for name, block in asdict(units).items() if name != "like"}
    return {f"{name}.{key}": value for name, block in blocks.items() for key, value in block.items()}


def list_unit_blocks(settings: ArmSettings) -> list[str]:
    """The blocks of settings that the strategy's units are made with."""
    entry = get_strategy(settings.match if get_strategy(settings.strategy).follows_match else settings.strategy)
    reads = entry.reads.removesuffix(".parquet")
    blocks = {
        "band": reads.endswith("-micro"),
        "phrases": reads.endswith("-meso"),
        "clusters": reads.endswith("-macro"),
        "embed": reads.endswith(("-meso", "-macro")) or "vectors" in reads,
    }
    return [name for name, is_read in blocks.items() if is_read]
