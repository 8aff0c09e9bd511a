"""Where studies lie: a module without heavy imports, so that a command that only looks for one starts quickly."""

from pathlib import Path

BUNDLED_STUDY, OWN_STUDY, PILOT_STUDY = (Path(name) for name in ("metrics", "metrics/own", "metrics/pilot"))
BUNDLED_SIZES, OWN_SIZES = Path("metrics/sizes"), Path("metrics/own-sizes")
BUNDLED_BAKE_OFF, OWN_BAKE_OFF = Path("metrics/bake-off"), Path("metrics/own-bake-off")


def choose_sizes_folder() -> Path:
    """One's own study of sizes where it has cells, else the bundled one."""
    return OWN_SIZES if (OWN_SIZES / "grid.csv").exists() else BUNDLED_SIZES


def choose_noise_folder(pilot: Path | None) -> Path:
    """`pilot`, or the folder of the nearest study: one's own, one's pilot, or the bundled one.

    ValueError where none of them has cells.
    """
    folders = [pilot] if pilot else [OWN_STUDY, PILOT_STUDY, BUNDLED_STUDY]
    existing = [folder for folder in folders if (folder / "grid.csv").exists()]
    if not existing:
        raise ValueError(f"there is no grid.csv in {' or '.join(map(str, folders))}. Run `m2m grid --pilot`.")
    return existing[0]
