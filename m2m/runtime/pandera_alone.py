"""Imports pandera without pandas and hypothesis, which it imports where they are: a second of every process.

pandera supports an environment without them, and asks for them once; here other packages need them.
"""

import sys

import polars as pl  # first, since it too looks for pandas once, and is to find it

__all__ = ["pa"]


class _Hidden:
    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name in {"pandas", "hypothesis"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, _Hidden)
try:
    import pandera.polars as pa

    pa.DataFrameSchema({"x": pa.Column(int, pa.Check.ge(0))}).validate(pl.DataFrame({"x": [0]}))  # it asks at the first
finally:
    sys.meta_path.remove(_Hidden)
