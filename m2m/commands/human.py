"""Let people compare two models' answers: export a blind sheet, import what they rated."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    import polars as pl

ANSWERS = Path("data/answers/candidate.parquet")


@dataclass(frozen=True)
class Export:
    """Write a blind sheet for raters, and its key, which stays with you."""

    page: Annotated[Path, tyro.conf.Positional]
    """The sheet: one HTML file that opens without a network. The key is written beside it as NAME.key.json."""
    first: str = str(ANSWERS)
    """Answers of the first model: a file, or the name of a finished experiment (its candidate)."""
    second: str = "data/answers/opponent.parquet"
    """Answers of the second model, likewise."""
    prompts: Path = Path("data/prompts.parquet")
    """The evaluation prompts."""
    pairs: int = 100
    """Pairs on the sheet, drawn at random from the prompts with two different answers."""
    seed: int = 1
    """Seed of the draw and of the sides."""


@dataclass(frozen=True)
class Import:
    """Read raters' files: agreement, and win rates from people alone and from the judge corrected by them."""

    key: Annotated[Path, tyro.conf.Positional]
    """The key that export wrote."""
    ratings: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """The files that raters saved."""
    verdicts: Path | None = None
    """Verdicts on the same two models, such as data/verdicts.parquet. Without it, people alone."""
    opponent: str = "opponent"
    """Which games of the verdicts are of these two models: their column opponent."""
    seed: int = 1
    """Seed of the bootstrap over pairs."""


def main(action: Annotated[Export | Import, tyro.conf.arg(name="")]) -> None:
    """Compare two models' answers by people: `export` a blind sheet, then `import` what raters saved."""
    lines = export_sheet(action) if isinstance(action, Export) else import_ratings(action)
    print("\n".join(lines))


def export_sheet(settings: Export) -> list[str]:
    """Write sheet and key; return what to do with them. ValueError where one of them exists."""
    from m2m.human.sheet import draw_sheet, write_sheet
    from m2m.judging.protocols.offline_judges import match_answers
    from m2m.runtime.artifacts import read_table
    from m2m.schemas.answers import Answers
    from m2m.schemas.prompts import Prompts

    key = settings.page.with_suffix(".key.json")
    if existing := [path for path in (settings.page, key) if path.exists()]:
        raise ValueError(f"{existing[0]} exists: name a new file, so that ratings and key stay together")
    if settings.first == settings.second:
        raise ValueError(f"--first and --second must be two models, got {settings.first} twice")
    tables = [read_table(locate_answers(name), Answers) for name in (settings.first, settings.second)]
    games = match_answers(read_table(settings.prompts, Prompts), tables[0], tables[1], "second")
    if games.is_empty():
        raise ValueError(f"no prompt of {settings.prompts} is answered by both models: name files of the same prompts")
    sheet = draw_sheet(games, settings.pairs, settings.seed, settings.first, settings.second)
    write_sheet(sheet, settings.page, key)
    return [
        f"{len(sheet.pairs)} pairs of {games.height} prompts; {len(sheet.key.identical)} have two equal answers",
        f"written: {settings.page} (send it to raters), {key} (keep it: it says whose answers they are)",
        f"then: python -m m2m human import {key} RATINGS.json … --verdicts data/verdicts.parquet",
    ]


def import_ratings(settings: Import) -> list[str]:
    """The report, line by line. ValueError for a file that is not of the sheet."""
    from m2m.human.comparison import compare_with_judge, compare_with_people
    from m2m.human.ratings import read_ratings, read_sheet_key

    if not settings.ratings:
        raise ValueError("name at least one file that a rater saved")
    key = read_sheet_key(settings.key)
    raters, table = read_ratings(settings.ratings, key)
    lines = compare_with_people(key, raters, table, settings.seed)
    if settings.verdicts is not None:
        for engine, verdicts in read_verdicts(settings.verdicts, settings.opponent).items():
            lines += compare_with_judge(key, table, verdicts, engine, settings.seed)
    return lines


def read_verdicts(path: Path, opponent: str) -> "dict[str, pl.DataFrame]":
    """The verdicts of each judge against `opponent`, by judge; ValueError without any."""
    import polars as pl

    from m2m.runtime.artifacts import read_table
    from m2m.schemas.verdicts import Verdicts

    table = read_table(path, Verdicts)
    games = table.filter(pl.col("opponent") == opponent)
    if games.is_empty():
        names = ", ".join(table["opponent"].unique().sort())
        raise ValueError(f"--opponent must be one of {names}, got {opponent}")
    return {engine: games.filter(engine=engine) for engine in games["engine"].unique().sort()}


def locate_answers(name: str) -> Path:
    """The file `name`, or the candidate's answers of the finished experiment `name` in DVC's cache."""
    if Path(name).exists() or Path(name).suffix == ANSWERS.suffix:
        return Path(name)
    from m2m.export.exported_run import find_experiment, locate_files

    return locate_files(find_experiment(name), [str(ANSWERS)])[str(ANSWERS)]
