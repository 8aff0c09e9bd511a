"""Compare the domains of a study's prompts: does what holds on all others hold on each?"""

from pathlib import Path

DOMAINS_FILE = "domains.json"


def main(folder: Path, /) -> None:
    """Leave out one domain at a time; print a row a domain, and a row a source, and write FOLDER/domains.json.

    Nothing is trained: the scores by prompt of the study's cells are used. FOLDER/domains.csv names the source and the
    domain of each prompt. Without it, a prompt's group is its domain, such as the package of a docstring.

    Args:
        folder: A study's folder, with grid.csv and scores.parquet, such as metrics/development.
    """
    from m2m.grid.params.known_settings import check_settings
    from m2m.grid.params.params_file import read_settings
    from m2m.runtime.artifacts import read_table, write_json
    from m2m.schemas.domains import Domains
    from m2m.schemas.grid import Grid
    from m2m.schemas.scores import Scores
    from m2m.study.domains.transfer import leave_out_domains
    from m2m.study.domains.words import DOMAIN_HEADER, list_domain_rows, write_domains_answer
    from m2m.study.study_file import require_whole_grid

    settings = read_settings(Path("params.yaml"))
    check_settings(settings)
    analyze = settings["analyze"]
    require_whole_grid(folder / "grid.csv", folder / "made.json")
    grid, scores = read_table(folder / "grid.csv", Grid), read_table(folder / "scores.parquet", Scores)
    levels = {"domains": {row["id"]: row["group"] for row in scores.select("id", "group").unique().to_dicts()}}
    if (folder / "domains.csv").exists():
        table = read_table(folder / "domains.csv", Domains)
        levels = {f"{name}s": dict(zip(table["id"], table[name], strict=True)) for name in ("domain", "source")}
    record = {}
    for level, labels in levels.items():
        outcome, seed, resamples = (analyze[key] for key in ("primary_outcome", "seed", "resamples"))
        record[level] = leave_out_domains(grid, scores, labels, outcome, seed, resamples)
        print(f"{level}: {folder}", *write_domains_answer(record[level]), sep="\n")
        print(*(" | ".join(row) for row in (DOMAIN_HEADER, *list_domain_rows(record[level]))), "", sep="\n")
    write_json(folder / DOMAINS_FILE, record)
    print(f"written: {folder / DOMAINS_FILE}")
