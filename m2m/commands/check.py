"""Check params.yaml as a whole: every key must be a setting that a stage reads."""

from pathlib import Path


def main(file: Path = Path("params.yaml"), /) -> None:
    """Stop at the first key that nothing reads, and name the nearest one; `make repro`, plan, use and grid begin so.

    Args:
        file: The settings.
    """
    from m2m.grid.known_settings import check_settings
    from m2m.grid.params_file import read_settings

    print(f"{file}: {check_settings(read_settings(file), str(file))} settings, all valid")
