"""Fine-tunes a causal model on prompt–completion token rows with TRL, loss on the completion alone."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stages.io.training import PLAIN, Loss, trained


def finetune(
    model: Any,
    tokenizer: Any,
    rows: Sequence[tuple[Sequence[int], Sequence[int]]],
    folder: Path,
    *,
    name: str,
    params: dict[str, Any],
    seed: int,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    warmup_share: float,
) -> list[Loss]:
    """Train `model` on (prompt, completion) token rows, loss on the completion alone; save it in `folder`."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    data = Dataset.from_dict(
        {
            "input_ids": [[*prompt, *completion] for prompt, completion in rows],
            "labels": [[-100] * len(prompt) + [*completion] for prompt, completion in rows],
        }
    )
    with tempfile.TemporaryDirectory() as scratch:
        settings = SFTConfig(
            output_dir=scratch,
            seed=seed,
            num_train_epochs=epochs,
            per_device_train_batch_size=batch_size,
            learning_rate=learning_rate,
            lr_scheduler_type="cosine",
            train_sampling_strategy="group_by_length",  # half of a random batch is padding
            warmup_steps=warmup_share,
            logging_steps=5,
            logging_first_step=True,
            gradient_checkpointing=False,
            max_length=None,  # rows come cut to length and counted: TRL would cut them in silence
            dataset_kwargs={"skip_prepare_dataset": True},
            **PLAIN,
        )
        trainer = SFTTrainer(model=model, args=settings, train_dataset=data, processing_class=tokenizer)
        tokens = epochs * sum(len(prompt) + len(completion) for prompt, completion in rows)
        return trained(trainer, folder, name=name, tokens=tokens, params=params)
