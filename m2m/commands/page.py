"""Write the pool page of a run: its pool as a map, with the subset of each degree lit over it."""

from pathlib import Path
from typing import Literal


def main(
    out: Path = Path("pool-page.html"),
    /,
    *,
    experiment: str | None = None,
    map: Literal["auto", "words", "embeddings"] = "auto",
    study: Path = Path("metrics"),
) -> None:
    """Write the page of the workspace's run, or of an experiment, to the file OUT.

    For the workspace, `dvc repro band@instruction band@response subset@candidate` is enough: no training is needed.

    Args:
        out: An .html file; it is written over. It works without a network and is at most 6 MB.
        experiment: Name of a finished experiment (dvc exp list --all-commits). Without it, the workspace.
        map: How rows are placed. words takes seconds; embeddings takes UMAP, minutes for a large pool. auto is
            embeddings for strategies that choose by them, words for the others.
        study: Folder of the study whose evidence the page quotes.
    """
    from m2m.export.exported_run import open_run
    from m2m.file_selection.run_page import write_run_page

    write_run_page(open_run(experiment), out, study, map)
    print(f"written: {out} ({out.stat().st_size / 1e6:.1f} MB)")
