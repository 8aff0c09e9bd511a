"""Add a result to the ledger in results/, or select the ledger's subsets again and compare their rows."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from m2m.schemas.ledger import LedgerRow


def main(name: str = "", /, *, experiment: str | None = None) -> None:
    """With NAME, write results/NAME.yaml of a finished run. Without, check every row; exit 1 if a subset differs.

    A subset is selected again where DVC's cache has all its inputs. The others are listed with the input they lack.

    Args:
        name: Of the new row, such as longest-500. Without a name, the ledger is checked.
        experiment: A finished experiment, as `dvc exp show` lists it. Default: the workspace.
    """
    from m2m.export.exported_run import open_run
    from m2m.export.ledger import LEDGER, make_row, read_rows, write_row

    if name:
        print(f"written: {write_row(make_row(name, open_run(experiment)))}")
        return
    if experiment is not None:
        raise ValueError("--experiment is of a new row: give it a name")
    rows = read_rows()
    if not rows:
        raise ValueError(f"{LEDGER} must hold rows, NAME.yaml, it has none: add one with `m2m ledger NAME`")
    failed = [row.name for row in rows if not _check_row(row)]
    if failed:
        sys.exit(f"ledger: {len(failed)} of {len(rows)} rows differ: {', '.join(failed)}")


def _check_row(row: "LedgerRow") -> bool:
    """Print what became of the row; False where other rows are selected than it has."""
    from m2m.export.ledger import compare_ids, find_inputs

    inputs = find_inputs(row)
    if isinstance(inputs, str):
        print(f"{row.name}: not re-selected, {inputs}")
        return True
    difference = compare_ids(row, _select_again(row, inputs))
    print(f"{row.name}: {difference or f'the same {row.rows} rows'}")
    return not difference


def _select_again(row: "LedgerRow", inputs: dict[str, Path]) -> "pl.Series":
    from tempfile import TemporaryDirectory

    from m2m.file_selection.run_page import LATER_SETTINGS
    from m2m.runtime.artifacts import read_table
    from m2m.schemas.subset import Subset
    from stages.subset import main as choose_subset

    settings: dict[str, Any] = LATER_SETTINGS | row.subset
    first = settings["prefilter" if "prefilter" in row.subset else "strategy"]  # of share 1 nothing is read
    choices, matched, near = (
        inputs[f"data/choices/{name}.parquet"] for name in (settings["strategy"], settings["match"], first)
    )
    pairs, tokens = inputs["data/pairs.parquet"], inputs["data/tokens/response.parquet"]
    origins, exclusions = inputs["data/row_origins.parquet"], inputs[f"data/exclusions/{row.overlap}.parquet"]
    with TemporaryDirectory() as folder:
        table, summary = Path(folder) / "subset.parquet", Path(folder) / "subset.json"
        tables = choices, matched, near, pairs, tokens, origins, exclusions
        choose_subset(*tables, table, summary, **settings, overlap=row.overlap)
        return read_table(table, Subset)["id"]
