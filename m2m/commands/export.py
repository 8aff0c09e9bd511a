"""Write a subset as files for TRL, axolotl or LLaMA-Factory, with a data card."""

from pathlib import Path
from typing import Literal


def main(
    out: Path,
    /,
    *,
    experiment: str | None = None,
    format: Literal["prompt-completion", "messages", "alpaca", "sharegpt", "plain", "parquet"] = "prompt-completion",
    study: Path = Path("metrics"),
) -> None:
    """Write the subset of the workspace, or of an experiment, into the new folder OUT.

    For the workspace, `dvc repro band@instruction band@response subset@candidate` is enough: no training is needed.

    Args:
        out: A new or empty folder. It gets data.jsonl (or data.parquet), README.md, and for LLaMA-Factory
            dataset_info.json.
        experiment: Name of a finished experiment (dvc exp list --all-commits). Without it, the workspace.
        format: prompt-completion and messages for TRL and axolotl; alpaca and sharegpt also for LLaMA-Factory; plain is
            the prompt of this study as text; parquet has id, source and unit too.
        study: Folder of the study whose evidence the data card quotes.
    """
    from m2m.export.exported_run import open_run
    from m2m.export.subset_files import write_subset

    print(f"written: {', '.join(map(str, write_subset(open_run(experiment), out, format, study)))}")
