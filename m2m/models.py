"""Loads and saves causal language models and tokenizers: folders of safetensors, or hub ids with their commit."""

import ctypes
import json
import platform
from pathlib import Path
from typing import Any, Literal

from m2m.runtime.project_root import find_project_root

ModelDtype = Literal["float32", "bfloat16"]
Attention = Literal["sdpa", "eager", "flash_attention_2", "varlen"]
REFERENCE = "reference.json"
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4  # names of malloc.h's mallopt


def load_model(folder: Path, dtype: ModelDtype) -> Any:
    """The causal model in `folder`, or the one that its reference names, on the GPU where there is one."""
    import torch

    return read_model(folder, dtype, "sdpa").to("cuda" if torch.cuda.is_available() else "cpu")


def read_model(folder: Path, dtype: ModelDtype, attention: Attention) -> Any:
    """The same in main memory, for a training of several processes. ValueError where `attention` cannot run."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    if attention == "flash_attention_2" and not torch.cuda.is_available():
        raise ValueError("finetune.attention flash_attention_2 needs a GPU, but there is none: set it to sdpa")
    keep_freed_memory()
    logging.disable_progress_bar()
    name, revision = _resolve(folder)
    chosen = {"dtype": getattr(torch, dtype), "attn_implementation": attention}
    safe = {"trust_remote_code": False, "use_safetensors": True}
    try:
        return AutoModelForCausalLM.from_pretrained(name, revision=revision, **chosen, **safe)
    except OSError as error:
        raise OSError(_describe_missing(name, revision)) from error
    except ImportError as error:
        raise ValueError(
            f"finetune.attention {attention} cannot run here: install flash-attn or set it to sdpa"
        ) from error


def load_tokenizer(folder: Path) -> Any:
    """The fast tokenizer in `folder`; the end token pads where the tokenizer has no padding token."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def copy_tokenizer(name: str, commit: str, folder: Path) -> None:
    """Save the tokenizer of the hub model `name` at `commit`, or of the folder `name` ("local"), in `folder`.

    ValueError when it is not a fast tokenizer, whose tokens the stages can count.
    """
    from transformers import AutoTokenizer

    source, revision = _locate(name, commit)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision, trust_remote_code=False)
    except OSError as error:
        raise OSError(_describe_missing(name, revision)) from error
    save_tokenizer(tokenizer, folder)
    if not (folder / "tokenizer.json").is_file():
        raise ValueError(
            f"the tokenizer of {name!r}, a {type(tokenizer).__name__}, must be a fast one, but has no tokenizer.json, "
            "which counts tokens: set base.name to a model that has one"
        )


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Save `tokenizer` in `folder`, the same bytes with and without HF_HUB_OFFLINE, which transformers writes down."""
    tokenizer.init_kwargs.pop("local_files_only", None)
    tokenizer.save_pretrained(folder)


def list_weight_files(folder: Path) -> list[Path]:
    """The files that define the model in `folder`: its own, and those of a folder on this disk that it refers to."""
    name, _ = _resolve(folder)
    return [path for source in {folder, Path(name)} if source.is_dir() for path in source.iterdir() if path.is_file()]


def resolve_commit(name: str, revision: str) -> str:
    """The commit hash of `revision` of the hub model `name` today; "local" for a folder on this disk."""
    if _find_folder(name).is_dir():
        return "local"
    from huggingface_hub import HfApi

    try:
        return str(HfApi().model_info(name, revision=revision).sha)
    except Exception as error:
        raise OSError(_describe_missing(name, revision)) from error


def keep_freed_memory() -> None:
    """Ask glibc for no mmap and no trimming: a training step frees and allocates the same hundreds of megabytes.

    Of fine-tuning on 500 rows on a CPU, 48 s of system time become 6 s.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(MMAP_MAX, 0)
    libc.mallopt(TRIM_THRESHOLD, 2**31 - 1)
    libc.mallopt(TOP_PAD, 2**26)


def _resolve(folder: Path) -> tuple[str, str | None]:
    reference = folder / REFERENCE
    if not reference.exists():
        return str(folder), None
    record = json.loads(reference.read_text())
    return _locate(record["name"], record["revision"])


def _locate(name: str, commit: str) -> tuple[str, str | None]:
    return (str(_find_folder(name)), None) if commit == "local" else (name, commit)


def _find_folder(name: str) -> Path:
    """A relative name is one below the repository, also in the copies where DVC's queue runs."""
    return find_project_root() / name


def _describe_missing(name: str, revision: str | None) -> str:
    return (
        f"the model {name!r} at revision {revision!r} could not be loaded from this disk or from the Hugging Face hub: "
        "check the name, the network, and HF_TOKEN where a licence must be accepted, "
        "or set base.name to a folder with its safetensors files"
    )
