"""Check params.yaml as a whole: every key must be a setting that a stage reads."""

from pathlib import Path


def main(file: Path = Path("params.yaml"), /, *, idle: bool = False) -> None:
    """Stop at the first key that nothing reads, and name the nearest one; `make repro`, plan, use and grid begin so.

    Args:
        file: The settings.
        idle: Stop also if another process runs stages in this folder.
    """
    from m2m.grid.known_settings import check_settings
    from m2m.grid.params_file import read_settings

    if idle:
        from m2m.preflight.dvc_locks import require_idle

        require_idle()
    print(f"{file}: {check_settings(read_settings(file), str(file))} settings, all valid")
