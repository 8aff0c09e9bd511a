"""Puts faster GPU code and smaller optimizer states in place of the plain ones, or says why they cannot run here."""

from importlib.util import find_spec
from typing import Any, Literal

Kernels = Literal["none", "liger"]
Optimizer = Literal["adamw", "adamw-8bit"]
TRAINER_NAMES = {"adamw": "adamw_torch_fused", "adamw-8bit": "adamw_bnb_8bit"}  # transformers' names of optimizers


def require_optional(kernels: Kernels, optimizer: Optimizer) -> None:
    """ValueError where a setting needs a GPU or a package that is not here; both settings at once are named."""
    import torch

    missing = []
    for setting, package, plain in (
        (f"finetune.kernels {kernels}", "liger-kernel", kernels == "none"),
        (f"finetune.optimizer {optimizer}", "bitsandbytes", optimizer == "adamw"),
    ):
        if plain:
            continue
        if not torch.cuda.is_available():
            missing.append(f"{setting} needs a GPU, but there is none")
        elif find_spec(package.replace("-", "_")) is None:
            missing.append(f"{setting} needs the package {package}, which is not installed: run make gpu")
    if missing:
        raise ValueError(f"{'; '.join(missing)}, or set finetune.kernels to none and finetune.optimizer to adamw")


def apply_kernels(model: Any, kernels: Kernels) -> None:
    """Replace norms, rotation, MLP and the loss of `model` by Liger's fused ones: the same numbers but for rounding.

    Logits are then never held as a whole (Hsu et al. 2024). TRL's own switch leaves the loss unfused. ValueError for a
    type of model that Liger has no kernels for: Liger itself would leave it as it is.
    """
    if kernels == "none":
        return
    from liger_kernel.transformers.monkey_patch import MODEL_TYPE_TO_APPLY_LIGER_FN, _apply_liger_kernel_to_instance

    if (kind := model.config.model_type) not in MODEL_TYPE_TO_APPLY_LIGER_FN:
        raise ValueError(
            f"finetune.kernels liger has kernels for {', '.join(sorted(MODEL_TYPE_TO_APPLY_LIGER_FN))}, "
            f"got a model of type {kind}: set finetune.kernels to none"
        )
    _apply_liger_kernel_to_instance(model=model)
