import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STAGES = [f"stages.{path.stem}" for path in sorted((ROOT / "stages").glob("*.py")) if path.stem != "__init__"]
IMPORT_STAGES = f"""
import sys
import {", ".join(STAGES)}
assert not {{"pandas", "torch", "transformers", "sklearn", "mlflow"}} & set(sys.modules)
import polars
print(type(polars.DataFrame({{"x": [1]}}).to_pandas()))
"""


def test_no_stage_imports_a_heavy_package_before_it_needs_it_and_polars_still_finds_pandas() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_STAGES], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "<class 'pandas.DataFrame'>\n", done.stderr
