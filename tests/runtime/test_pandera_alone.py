import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STAGES = [f"stages.{path.stem}" for path in sorted((ROOT / "stages").glob("*.py")) if path.stem != "__init__"]
SCRIPT = f"""
import sys
import {", ".join(STAGES)}
import polars
from m2m.schemas.loss import LossCurve
curve = polars.DataFrame({{"step": [5], "loss": [2.5], "learning_rate": [0.1]}})
LossCurve.validate(curve, lazy=True)
assert not {{"pandas", "hypothesis", "torch", "transformers", "sklearn", "mlflow"}} & set(sys.modules)
try:
    LossCurve.validate(curve.with_columns(loss=-1.0), lazy=True)
except Exception as error:
    print(error.failure_cases["column"].to_list())
print(type(curve.to_pandas()))
"""


def test_stages_check_tables_without_any_heavy_package_and_polars_still_finds_pandas() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "['loss']\n<class 'pandas.DataFrame'>\n", done.stderr
