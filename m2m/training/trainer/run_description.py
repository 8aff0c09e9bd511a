"""What an MLflow run says of a training: its name, tags and data set."""

import json
import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

# of a subset's summary, beside its lengths
TAGGED = ("strategy", "match", "degree", "size", "budget", "seed", "prefilter", "prefilter_share")


def name_run(arm: str, params: Mapping[str, Any]) -> str:
    """What the training is, as people speak of it; of one without a subset, its arm and the DVC experiment.

    `params` are a subset's summary, which has a prefilter only where it leaves rows out.

    >>> dial = {"strategy": "response-micro", "degree": 3, "seed": 1, "budget": "rows", "k_by_degree": [2, 3, 4]}
    >>> name_run("candidate", dial), name_run("candidate", dial | {"lengths": "as-random"})
    ('response-micro 3 · seed 1', 'response-micro 3, lengths as random · seed 1')
    >>> name_run("candidate", dial | {"strategy": "length-matched", "match": "response-macro", "k_by_degree": [1] * 3})
    'length-matched to response-macro 3 · seed 1'
    >>> name_run("opponent", dial | {"strategy": "random", "budget": "tokens", "size": 9000, "k_by_degree": [1] * 3})
    'opponent: random, 9000 tokens · seed 1'
    """
    if "strategy" not in params:
        return f"{arm} {os.environ.get('DVC_EXP_NAME', 'workspace')}"
    is_matched = params["strategy"] == "length-matched"
    words = "" if arm == "candidate" else f"{arm}: "
    words += f"length-matched to {params['match']}" if is_matched else params["strategy"]
    if is_matched or len(set(params["k_by_degree"])) > 1:  # one k: no degrees
        words += f" {params['degree']}"
    words += ", lengths as random" if params.get("lengths") == "as-random" else ""
    words += f", {params['size']} tokens" if params["budget"] == "tokens" else ""
    words += f", {params['prefilter']} {100 * params['prefilter_share']:.4g} %" if "prefilter" in params else ""
    return f"{words} · seed {params['seed']}"


def list_tags(name: str, params: Mapping[str, str]) -> dict[str, str]:
    """The DVC experiment, the stage `name`, what the subset is, and the commit, as far as there are any."""
    subset = {key: params[key] for key in TAGGED if key in params}
    subset |= {"lengths": params.get("lengths", "free")} if subset else {}  # a summary has them where they are not free
    experiment = os.environ.get("DVC_EXP_NAME", "workspace")
    return {"dvc.experiment": experiment, "stage": name, **subset, **_read_revision()}


def describe_dataset(params: Mapping[str, str]) -> list[Any]:
    """The subset that is trained on, with its strategy, size and hash; of a training without one, nothing."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    if not {"strategy", "size", "budget", "subset"} <= params.keys():
        return []
    name = f"{params['strategy']}, {params['size']} {params['budget']}"
    source = json.dumps({"sha256": params["subset"]})
    subset = Dataset(name=name, digest=params["subset"][:32], source_type="dvc", source=source)
    return [DatasetInput(subset, [InputTag("mlflow.data.context", "training")])]


def _read_revision() -> dict[str, str]:
    with suppress(OSError):  # no git
        process = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        return {"git.revision": process.stdout.strip()} if process.returncode == 0 else {}
    return {}
