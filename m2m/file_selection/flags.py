"""Names flags of the command: those that a strategy does not read, and those that an error of the choice is about."""

from dataclasses import asdict

from m2m.file_selection.arms import NO_LIMIT, RANDOM
from m2m.file_selection.card_settings import list_unit_blocks, list_unit_settings
from m2m.file_selection.exclusions import ExclusionSettings
from m2m.file_selection.unit_settings import BandSettings, ClusterSettings, EmbedSettings, PhraseSettings, UnitSettings
from m2m.selection.arm import ArmSettings
from m2m.strategies import get_strategy

CHOICE_DEFAULTS = {"degree": 6, "match": "response-micro", "slack": 1.5, "weights": "inverse", "peel_noise": 0.25}
UNIT_DEFAULTS = UnitSettings(BandSettings(), PhraseSettings(), ClusterSettings(), EmbedSettings())
REMEDIES = {  # by the block that units are made with
    "band": "lower --band.low {low:g} or raise --band.high {high:g}",
    "phrases": "lower --phrases.min-share {min_share:g} or raise --phrases.max-share {max_share:g}",
    "clusters": "lower --clusters.min-cluster-size {min_cluster_size}",
}


def describe_unread_flags(settings: ArmSettings, units: UnitSettings, tokenizer: str) -> list[str]:
    """A sentence on the flags that differ from their default and that the strategy does not read."""
    entry, blocks = get_strategy(settings.strategy), list_unit_blocks(settings)
    is_read = dict.fromkeys(CHOICE_DEFAULTS, entry.has_degree) | {"match": entry.follows_match}
    is_read |= {name: name.split(".")[0] in blocks for name in list_unit_settings(units)}
    is_read["band.vocab_size"] = not tokenizer  # of the tokenizer that is trained for every strategy
    defaults = CHOICE_DEFAULTS | list_unit_settings(UNIT_DEFAULTS)
    choice = asdict(settings) | list_unit_settings(units)
    flags = [_name_flag(name) for name in defaults if choice[name] != defaults[name] and not is_read[name]]
    if not flags:
        return []
    return [f"{settings.strategy} does not read {', '.join(flags)}: the choice is the same without"]


def name_choice_flags(sentence: str, settings: ArmSettings, exclusions: ExclusionSettings, units: UnitSettings) -> str:
    """`sentence`, an error of the choice, with the command's flags in place of settings of params.yaml."""
    limits = " and ".join(_list_limits(settings, exclusions))
    after, remedies = (f" after {limits}", [f"loosen {limits}"]) if limits else ("", [])
    if f" {RANDOM}:" not in sentence:
        remedies += _suggest_units(settings, units)
    size = "--size" if settings.budget == "rows" else "--tokens"
    names = {
        "size must": f"{size} must",
        "what the pool holds,": f"what the pool holds{after},",
        " of min_tokens..max_tokens tokens": after,
        f"none of the 0 responses{after} has a unit of {RANDOM}": f"no response is left{after}",
        "widen min_tokens..max_tokens, or the settings that its units are made with": ", or ".join(remedies),
    }
    if limits:
        names["a larger pool"] = f"loosen {limits}"
    for setting, flag in names.items():
        sentence = sentence.replace(setting, flag)
    return sentence


def _list_limits(settings: ArmSettings, exclusions: ExclusionSettings) -> list[str]:
    """The flags that leave rows out, with their values."""
    limits = {
        f"--min-tokens {settings.min_tokens}": settings.min_tokens > 0,
        f"--max-tokens {settings.max_tokens}": settings.max_tokens < NO_LIMIT,
        "--overlap drop": exclusions.overlap == "drop",
        f"--quality-share {exclusions.quality_share:g}": exclusions.quality_share < 1,
        f"--like-share {exclusions.like_share:g}": exclusions.like_share < 1,
    }
    return [flag for flag, is_set in limits.items() if is_set]


def _suggest_units(settings: ArmSettings, units: UnitSettings) -> list[str]:
    blocks = asdict(units)
    return [REMEDIES[name].format(**blocks[name]) for name in list_unit_blocks(settings) if name in REMEDIES]


def _name_flag(setting: str) -> str:
    return f"--{setting.replace('_', '-')}"
