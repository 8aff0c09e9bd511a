"""Collect the finished cells into the folder of a study."""

from pathlib import Path


def main(*, folder: Path = Path("metrics"), examples: int = 6, current: bool = False) -> None:
    """Write the inputs of a study: grid.csv, scores, example answers and provenance of every finished cell.

    Runs made with other code, data or settings are included and counted separately; --current excludes them.

    Args:
        folder: The study's folder.
        examples: Prompts whose answers are kept for reading. 0 keeps no text of the pool.
        current: Only runs made with the present code, data and settings.
    """
    from m2m.grid.params.known_settings import check_settings
    from m2m.grid.params.params_file import read_settings
    from m2m.grid.study_folder import write_study_folder
    from m2m.training.trainer.mlflow_run import send_earlier

    settings = read_settings(Path("params.yaml"))
    check_settings(settings)
    fresh = settings["grid"]["staged"]["fresh"]
    print(*write_study_folder(folder, fresh=fresh, examples=examples, current=current), sep="\n")
    send_earlier()
