"""Computes small pieces on this CPU and on an emulated one, and lists those whose bytes differ, under three settings.

`python -m bench.other_cpu [--cpu EPYC]` needs qemu-x86_64 (Debian's qemu-user), and some ten minutes of CPU time.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

OLDER_VECTORS = {  # what every x86-64 CPU since 2015 has
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NUMBA_CPU_NAME": "haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}
SETTINGS: dict[str, tuple[dict[str, str], list[str]]] = {
    "as installed": ({}, []),
    "AVX2, MKL_CBWR=AVX2": (OLDER_VECTORS | {"MKL_CBWR": "AVX2"}, []),
    "AVX2, products by OpenBLAS": (OLDER_VECTORS | {"MKL_CBWR": "COMPATIBLE"}, ["--openblas"]),
}
LIBRARIES: list[Any] = []  # torch's, whose kernels live as long as they do
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu", default="EPYC", help="a model of `qemu-x86_64 -cpu help`")
    parser.add_argument("--pieces", action="store_true", help="only print the digests, on this CPU")
    parser.add_argument("--openblas", action="store_true", help="with --pieces: torch multiplies by NumPy's OpenBLAS")
    flags = parser.parse_args()
    if flags.pieces:
        if flags.openblas:
            multiply_by_openblas()
        for name, array in compute_pieces():
            print(name, hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest())
        return
    if not shutil.which("qemu-x86_64"):
        sys.exit("qemu-x86_64 is not there: install Debian's qemu-user")
    for name, (variables, words) in SETTINGS.items():
        here, there = (run_pieces(emulator, variables, words) for emulator in ([], ["qemu-x86_64", "-cpu", flags.cpu]))
        differing = [piece for piece in here if here[piece] != there[piece]]
        print(f"{name}: {len(differing)} of {len(here)} differ on {flags.cpu}: {', '.join(differing)}", flush=True)


def run_pieces(emulator: list[str], variables: dict[str, str], words: list[str]) -> dict[str, str]:
    """The digest of each piece."""
    command = [*emulator, sys.executable, "-m", "bench.other_cpu", "--pieces", *words]
    env = os.environ | ONE_THREAD | variables
    ended = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    pairs = [line.split() for line in ended.stdout.splitlines()]
    return {pair[0]: pair[1] for pair in pairs}


def compute_pieces() -> Iterator[tuple[str, np.ndarray]]:
    """Name and result of each piece: of NumPy, of torch, and three steps of training a Llama."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    draw = np.random.default_rng(1)
    left, right = draw.standard_normal((200, 300)), draw.standard_normal((300, 150))
    yield "numpy-product", left @ right
    yield "numpy-exp", np.exp(left)
    yield "numpy-sum", left.sum(axis=1)
    yield "numpy-svd", np.linalg.svd(left[:50, :50])[1]
    first, second = torch.from_numpy(left).float(), torch.from_numpy(right).float()
    yield "torch-product", (first @ second).numpy()
    yield "torch-exp", first.exp().numpy()
    yield "torch-softmax", first.softmax(1).numpy()
    yield "torch-gelu", torch.nn.functional.gelu(first).numpy()
    yield "torch-sum", first.sum().numpy()
    torch.manual_seed(1)
    sizes = {"hidden_size": 64, "intermediate_size": 172, "num_hidden_layers": 2, "num_attention_heads": 4}
    model: Any = LlamaForCausalLM(LlamaConfig(vocab_size=512, max_position_embeddings=128, **sizes))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)  # as transformers' trainer takes it
    tokens = torch.randint(0, 512, (4, 48))
    for _ in range(3):
        model(input_ids=tokens, labels=tokens).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    yield "llama-3-steps", torch.cat([weight.detach().flatten() for weight in model.parameters()]).numpy()


def multiply_by_openblas() -> None:
    """Let torch multiply float32 and float64 matrices on the CPU by NumPy's OpenBLAS, in place of MKL.

    MKL takes other kernels on AMD's CPUs than on Intel's, whatever it is told. Attention is then by products, too.
    """
    import torch

    kernels: Any = torch.library  # has no types
    library = kernels.Library("aten", "IMPL")
    LIBRARIES.append(library)

    def mm(left: Any, right: Any) -> Any:
        out = left.new_empty(left.shape[0], right.shape[1])
        np.matmul(left.detach().numpy(), right.detach().numpy(), out=out.numpy())
        return out

    def bmm(left: Any, right: Any) -> Any:
        out = left.new_empty(left.shape[0], left.shape[1], right.shape[2])
        np.matmul(left.detach().numpy(), right.detach().numpy(), out=out.numpy())
        return out

    def addmm(bias: Any, left: Any, right: Any, *, beta: float = 1, alpha: float = 1) -> Any:
        return (mm(left, right) * alpha).add_(bias, alpha=beta)

    for name, kernel in {"mm": mm, "bmm": bmm, "addmm": addmm}.items():
        library.impl(name, kernel, "CPU", allow_override=True)
    torch.backends.cuda.enable_flash_sdp(False)  # on a CPU too


if __name__ == "__main__":
    main()
