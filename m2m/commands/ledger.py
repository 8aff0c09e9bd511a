"""Add a result to the ledger in results/, or select the ledger's subsets again and compare their rows."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from m2m.schemas.ledger import LedgerRow


def main(name: str = "", /, *, experiment: str | None = None) -> None:
    """With NAME, write results/NAME.yaml of a finished run. Without, check every row; exit 1 if a subset differs.

    Exit 1 too if no row could be checked.

    A subset is selected again where DVC's cache has all its inputs. The others are listed with the input they lack.

    Args:
        name: Of the new row, such as longest-500. Without a name, the ledger is checked.
        experiment: A finished experiment, as `dvc exp show` lists it. Default: the workspace.
    """
    from m2m.export.exported_run import open_run
    from m2m.export.ledger import LEDGER, make_row, read_rows, require_name, write_row

    if name:
        require_name(name)
        print(f"written: {write_row(make_row(name, open_run(experiment)))}")
        return
    if experiment is not None:
        raise ValueError("--experiment is of a new row: give it a name")
    rows = read_rows()
    if not rows:
        raise ValueError(f"{LEDGER} must hold rows, NAME.yaml, it has none: add one with `m2m ledger NAME`")
    outcomes = {row.name: _check_row(row) for row in rows}
    failed = [name for name, is_same in outcomes.items() if is_same is False]
    checked = sum(is_same is not None for is_same in outcomes.values())
    print(f"{checked} of {len(rows)} re-selected")
    if failed:
        sys.exit(f"ledger: {len(failed)} of {len(rows)} rows differ or cannot be selected: {', '.join(failed)}")
    if not checked:
        sys.exit("ledger: no row was checked, since DVC's cache lacks their inputs: run `make ledger`, or `dvc pull`")


def _check_row(row: "LedgerRow") -> bool | None:
    """Print what became of the row. False: it differs, or cannot be selected. None: inputs are missing."""
    from m2m.export.ledger import compare_ids, find_inputs

    inputs = find_inputs(row)
    if isinstance(inputs, str):
        print(f"{row.name}: not re-selected, {inputs}")
        return None
    try:
        difference = compare_ids(row, _select_again(row, inputs))
    except (ValueError, TypeError, OSError) as error:
        difference = f"cannot be selected again: {error}"
    print(f"{row.name}: {difference or f'the same {row.rows} rows'}")
    return not difference


def _select_again(row: "LedgerRow", inputs: dict[str, Path]) -> "pl.Series":
    from tempfile import TemporaryDirectory

    from m2m.file_selection.run_page import LATER_SETTINGS
    from m2m.llm_fields import LLM_FIELDS, list_llm_fields
    from m2m.runtime.artifacts import read_table
    from m2m.schemas.subset import Subset
    from stages.subset import main as choose_subset

    settings: dict[str, Any] = LATER_SETTINGS | row.subset
    _require_settings(settings)
    first = settings["prefilter" if "prefilter" in row.subset else "strategy"]  # of share 1 nothing is read
    chosen_by = [f"data/choices/{name}.parquet" for name in (settings["strategy"], settings["match"], first)]
    pool_tables = ["data/pairs.parquet", "data/tokens/response.parquet", "data/row_origins.parquet"]
    rated = list_llm_fields(settings["quality"])  # other ratings are not read, and rows of before have none
    ratings = [path if name in rated else pool_tables[0] for name, path in LLM_FIELDS.items()]
    paths = [*chosen_by, *pool_tables, f"data/exclusions/{row.overlap}.parquet", *ratings]
    if absent := [path for path in paths if path not in inputs]:
        raise ValueError(f"its inputs must have {absent[0]}: write the row with `m2m ledger NAME`")
    choices, matched, near, pairs, tokens, origins, exclusions, *scores = (inputs[path] for path in paths)
    with TemporaryDirectory() as folder:
        table, summary = Path(folder) / "subset.parquet", Path(folder) / "subset.json"
        complexity, quality = scores
        tables = choices, matched, near, pairs, tokens, origins, exclusions, complexity, quality
        choose_subset(*tables, table, summary, **settings, overlap=row.overlap)
        return read_table(table, Subset)["id"]


def _require_settings(settings: dict[str, Any]) -> None:
    """ValueError unless these are the settings of the stage `subset`, as this version has them."""
    from inspect import signature

    from stages.subset import main as choose_subset

    keywords = {name for name, value in signature(choose_subset).parameters.items() if value.kind == value.KEYWORD_ONLY}
    names = keywords - {"overlap"}
    for name in sorted(set(settings) ^ names):
        word = "lacks a value for" if name in names else "has an unknown setting,"
        raise ValueError(f"its subset {word} {name}: write the row with `m2m ledger NAME`")
