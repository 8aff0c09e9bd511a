"""Packs what a node runs into one file, which Python runs as it is: nodes have the packages, but not this project."""

import io
import zipfile
from pathlib import Path

NAMES = ("call_limits", "node_folders", "remote_calls", "remote_cell")
MODULES = ("m2m/node_facts.py", *(f"m2m/grid/machines/{name}.py" for name in NAMES))
PACKAGES = ("m2m/__init__.py", "m2m/grid/__init__.py", "m2m/grid/machines/__init__.py")
START = "import sys\n\nfrom m2m.grid.machines.remote_cell import main\n\nmain(*sys.argv[1:])\n"


def build_program() -> bytes:
    """A zip file for `python FILE facts` and `python FILE run [ORDERS]`; the same code gives the same bytes."""
    root, packed = Path(__file__).parents[3], io.BytesIO()
    with zipfile.ZipFile(packed, "w") as program:
        for name in PACKAGES:
            program.writestr(zipfile.ZipInfo(name), "")
        for name in MODULES:
            program.writestr(zipfile.ZipInfo(name), (root / name).read_bytes())
        program.writestr(zipfile.ZipInfo("__main__.py"), START)
    return packed.getvalue()
