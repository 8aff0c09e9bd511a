"""Let people compare two models' answers: export a blind sheet, import what they rated."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from m2m.grid.provenance import Lock
    from m2m.human.judge_shares import JudgeShares
    from m2m.human.sheet import SheetKey

ANSWERS, OPPONENT = Path("data/answers/candidate.parquet"), Path("data/answers/opponent.parquet")
VERDICTS = Path("data/verdicts.parquet")


@dataclass(frozen=True)
class Export:
    """Write a blind sheet for raters, and its key, which stays with you."""

    page: Annotated[Path, tyro.conf.Positional]
    """The sheet: one HTML file that opens without a network. The key is written beside it as NAME.key.json."""
    first: str = str(ANSWERS)
    """Answers of the first model: a file, or the name of a finished experiment (its candidate)."""
    second: str = str(OPPONENT)
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
    verdicts: str | None = None
    """Verdicts on the sheet's two models: data/verdicts.parquet, or the name of a finished experiment."""
    seed: int = 1
    """Seed of the bootstrap over pairs."""


def main(action: Annotated[Export | Import, tyro.conf.arg(name="")]) -> None:
    """Compare two models' answers by people: `export` a blind sheet, then `import` what raters saved."""
    lines = export_sheet(action) if isinstance(action, Export) else import_ratings(action)
    print("\n".join(lines))


def export_sheet(settings: Export) -> list[str]:
    """Write sheet and key; return what to do with them. ValueError where one of them exists."""
    from m2m.human.sheet import Model, describe_unanswered, draw_sheet, write_sheet
    from m2m.judging.protocols.offline_judges import match_answers
    from m2m.runtime.artifacts import compute_md5, read_table
    from m2m.schemas.answers import Answers
    from m2m.schemas.prompts import Prompts

    key = settings.page.with_suffix(".key.json")
    if existing := [path for path in (settings.page, key) if path.exists()]:
        raise ValueError(f"{existing[0]} exists: name a new file, so that ratings and key stay together")
    if settings.first == settings.second:
        raise ValueError(f"--first and --second must be two models, got {settings.first} twice")
    paths = [locate_answers(name) for name in (settings.first, settings.second)]
    tables = [read_table(path, Answers) for path in paths]
    prompts = read_table(settings.prompts, Prompts)
    games = match_answers(prompts, tables[0], tables[1], "second")
    if games.is_empty():
        raise ValueError(f"no prompt of {settings.prompts} is answered by both models: name files of the same prompts")
    unanswered = [prompts.join(table, on="id", how="anti")["id"].sort().to_list() for table in tables]
    models = [
        Model(name=name, answers=compute_md5(path), unanswered=missing)
        for name, path, missing in zip((settings.first, settings.second), paths, unanswered, strict=True)
    ]
    sheet = draw_sheet(games, settings.pairs, settings.seed, *models)
    write_sheet(sheet, settings.page, key)
    judged = suggest_verdicts(sheet.key)
    command = f"then: python -m m2m human import {key} RATINGS.json …"
    return [
        f"{len(sheet.pairs)} pairs of {games.height} prompts; {len(sheet.key.identical)} have two equal answers",
        *describe_unanswered(sheet.key),
        *describe_shortage(settings.pairs, sheet.key),
        f"written: {settings.page} (send it to raters), {key} (keep it: it says whose answers they are)",
        f"{command} --verdicts {judged}" if judged else command,
        *([] if judged else [describe_likelihood(sheet.key)]),
    ]


def describe_shortage(pairs: int, key: "SheetKey") -> list[str]:
    """A line where fewer pairs than asked for have two different answers."""
    if pairs <= key.different:
        return []
    return [f"--pairs {pairs} is more than there are: the sheet has all {key.different} with two different answers"]


def import_ratings(settings: Import) -> list[str]:
    """The report, line by line. ValueError for a file that is not of the sheet."""
    from m2m.human.comparison import compare_with_judge, compare_with_people
    from m2m.human.ratings import read_ratings, read_sheet_key

    if not settings.ratings:
        raise ValueError("name at least one file that a rater saved")
    key = read_sheet_key(settings.key)
    raters, table = read_ratings(settings.ratings, key)
    lines = compare_with_people(key, raters, table, settings.seed)
    judges = {"likelihood": key.likelihood} if key.likelihood else {}
    if settings.verdicts is not None:
        judges |= read_judges(settings.verdicts, key)
    for engine, shares in sorted(judges.items()):
        lines += compare_with_judge(key, table, shares, engine, settings.seed)
    return lines


def read_judges(name: str, key: "SheetKey") -> "dict[str, JudgeShares]":
    """The first model's share of each prompt, by judge. ValueError unless `name` has verdicts on the sheet's models."""
    from m2m.human.judge_shares import share_by_prompt, turn_sides
    from m2m.runtime.artifacts import read_table
    from m2m.schemas.verdicts import Verdicts

    path, is_turned = locate_verdicts(name, key)
    games = read_table(path, Verdicts).filter(opponent="opponent")
    if games.is_empty():
        raise ValueError(f"{name} has no games against the opponent: add opponent to judge.against, run dvc repro")
    shares = {engine: share_by_prompt(games.filter(engine=engine), engine) for engine in games["engine"].unique()}
    return {engine: turn_sides(share) if is_turned else share for engine, share in shares.items()}


def locate_verdicts(name: str, key: "SheetKey") -> tuple[Path, bool]:
    """The verdicts `name`, a file or an experiment, and whether the sheet's first model is their opponent.

    A table of verdicts names no answers: the lock of its run has their MD5. ValueError for verdicts on other models.
    """
    from m2m.export.exported_run import find_experiment, locate_files
    from m2m.grid.dvc_experiments import read_lock
    from m2m.runtime.artifacts import compute_md5, require_file

    run = None if is_table(name) else find_experiment(name)
    lock = read_lock() if run is None else run.lock
    if run is None:
        require_file(Path(name))
        if "judge" not in lock or lock["judge"]["outs"].get(str(VERDICTS)) != compute_md5(Path(name)):
            raise ValueError(
                f"{name} is not {VERDICTS} of dvc.lock: which answers it judges is unknown. Run dvc repro, or name the"
                " finished experiment."
            )
    is_turned = compare_models(lock, key)
    if is_turned is None:
        raise ValueError(
            f"{name} judges other answers than the sheet's, {key.first.name} and {key.second.name}. Name the experiment"
            " that has them as candidate and opponent, or leave --verdicts out."
        )
    return (Path(name) if run is None else locate_files(run, [str(VERDICTS)])[str(VERDICTS)]), is_turned


def compare_models(lock: "Lock", key: "SheetKey") -> bool | None:
    """Whether the run judged the sheet's models turned around, its candidate second; None where it judged others."""
    deps = lock["judge"]["deps"] if "judge" in lock else {}
    judged = deps.get(str(ANSWERS)), deps.get(str(OPPONENT))
    models = key.first.answers, key.second.answers
    return models != judged if models in (judged, judged[::-1]) else None


def suggest_verdicts(key: "SheetKey") -> str | None:
    """Verdicts on the sheet's two models: of the workspace, or of an experiment that the sheet names."""
    from m2m.export.exported_run import find_experiment
    from m2m.grid.dvc_experiments import read_lock

    locks = {str(VERDICTS): read_lock()} if VERDICTS.exists() else {}
    locks |= {
        model.name: find_experiment(model.name).lock for model in (key.first, key.second) if not is_table(model.name)
    }
    return next((name for name, lock in locks.items() if compare_models(lock, key) is not None), None)


def describe_likelihood(key: "SheetKey") -> str:
    """What there is beside people where no judge compared the two models."""
    prompts = len(key.likelihood)
    judge = (
        f"likelihood, on {prompts} prompts with a reference, is the judge" if prompts else "people's labels stand alone"
    )
    return f"no verdicts on these two models are known: {judge}"


def is_table(name: str) -> bool:
    """Whether `name` is a file and not an experiment."""
    return Path(name).exists() or Path(name).suffix == ANSWERS.suffix


def locate_answers(name: str) -> Path:
    """The file `name`, or the candidate's answers of the finished experiment `name` in DVC's cache."""
    if is_table(name):
        return Path(name)
    from m2m.export.exported_run import find_experiment, locate_files

    return locate_files(find_experiment(name), [str(ANSWERS)])[str(ANSWERS)]
