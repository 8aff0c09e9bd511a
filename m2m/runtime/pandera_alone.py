"""Imports pandera without pandas, which it imports where there is one: that takes 0.5 s of every process.

pandera supports an environment without pandas; here some other package needs it. Imported before the schemas.
"""

import sys

import polars  # noqa: F401  # looks for pandas once, when it is imported: it must find it

__all__ = ["pa"]


class _HidePandas:
    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name=name)


sys.meta_path.insert(0, _HidePandas)
try:
    import pandera.polars as pa
finally:
    sys.meta_path.remove(_HidePandas)
