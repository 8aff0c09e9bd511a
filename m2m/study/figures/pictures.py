"""Draws a chart into a PNG file; equal charts give equal bytes."""

from pathlib import Path
from typing import Any


def write_picture(path: Path, chart: Any) -> None:
    """Render an Altair chart at twice its size; makes the folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chart.save(path, scale_factor=2)
