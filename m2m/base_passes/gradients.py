"""Projects the gradient of each row's loss at random: what the row would teach the model, in few numbers."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Float32

from m2m.progress import track_progress


def project_gradients(
    model: Any, rows: Iterable[tuple[list[int], list[int]]], count: int, *, dims: int, seed: int
) -> Iterator[Float32[np.ndarray, "dims"]]:
    """A vector of norm 1 for each of `count` (prompt, completion) rows: the projected gradient of its mean loss.

    The gradients of G-Vendi (Jung et al. 2025, arXiv 2505.20161), by all parameters. The projection is a count sketch
    (Charikar et al. 2002) in place of a dense one: each parameter is added, with a random sign, to a random one of the
    `dims` numbers, so that cosines stay the same in expectation. O(parameters) memory and time a row, beside a forward
    and a backward pass. A vector depends on its own row alone. ValueError where a gradient is 0 or not finite.
    """
    import torch

    model.eval()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    size = sum(parameter.numel() for parameter in parameters)
    width = -(-size // dims) * dims
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(width, generator=generator).to(model.device)
    signs = (torch.randint(0, 2, (width,), generator=generator, dtype=torch.int8) * 2 - 1).to(model.device)
    flat = torch.zeros(width, device=model.device)  # what is past `size` stays 0
    for row, (prompt, completion) in enumerate(track_progress(rows, "gradients", count)):
        gradients = torch.autograd.grad(_calculate_loss(model, prompt, completion), parameters)
        flat[:size] = torch.cat([gradient.flatten().float() for gradient in gradients])
        projected = (flat[order] * signs).view(-1, dims).sum(0)
        norm = float(projected.norm())
        if not 0 < norm < float("inf"):
            raise ValueError(f"row {row} has a gradient of norm {norm}: choose another gradients.proxy")
        yield (projected / norm).cpu().numpy()


def _calculate_loss(model: Any, prompt: list[int], completion: list[int]) -> Any:
    """Mean −ln p of the completion's tokens."""
    import torch

    ids = torch.tensor([prompt + completion], device=model.device)
    logits = model(input_ids=ids, logits_to_keep=len(completion) + 1).logits[0, :-1]
    return torch.nn.functional.cross_entropy(logits.float(), ids[0, -len(completion) :])
