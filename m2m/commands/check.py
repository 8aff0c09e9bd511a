"""Check params.yaml as a whole: keys, types, ranges, and what settings say of each other."""

from pathlib import Path


def main(file: Path = Path("params.yaml"), /, *, idle: bool = False, outputs: bool = False) -> None:
    """Stop at the first setting that is unknown, missing or wrong; `make repro`, plan, use and grid begin so.

    Args:
        file: The settings.
        idle: Stop also if another process runs stages in this folder.
        outputs: Say only which outputs differ from the committed ones although their inputs are equal.
    """
    if outputs:
        from m2m.preflight.other_bytes import describe_other_bytes

        print(describe_other_bytes() or "dvc.lock: no output differs from the last commit where its inputs are equal")
        return
    from m2m.grid.params.known_settings import check_settings
    from m2m.grid.params.params_file import read_settings
    from m2m.grid.params.setting_files import require_named_files

    if idle:
        from m2m.preflight.dvc_locks import require_idle

        require_idle()
    settings = read_settings(file)
    count = check_settings(settings, str(file))
    require_named_files(settings, str(file))
    print(f"{file}: {count} settings, all valid")
