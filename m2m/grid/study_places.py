"""Where studies lie: a module without heavy imports, so that a command that only looks for one starts quickly."""

from pathlib import Path

BUNDLED_STUDY, OWN_STUDY, PILOT_STUDY = (Path(name) for name in ("metrics", "metrics/own", "metrics/pilot"))
SIZES_STUDY = Path("metrics/sizes")


def choose_noise_folder(pilot: Path | None) -> Path:
    """`pilot`, or the folder of the nearest study: one's own, one's pilot, or the bundled one.

    ValueError where none of them has cells.
    """
    folders = [pilot] if pilot else [OWN_STUDY, PILOT_STUDY, BUNDLED_STUDY]
    existing = [folder for folder in folders if (folder / "grid.csv").exists()]
    if not existing:
        raise ValueError(f"there is no grid.csv in {' or '.join(map(str, folders))}. Run `m2m grid --pilot`.")
    return existing[0]
