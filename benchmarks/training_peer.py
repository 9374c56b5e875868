"""The peer of benchmarks.training: TRL's SFTTrainer as its first example shows it. Runs in a process of its own.

python -m benchmarks.training_peer FOLDER; FOLDER holds peer.json, the settings, and examples.parquet with the columns
prompt and completion. Leaves a PEFT folder in FOLDER/adapter and what it took in FOLDER/peer-took.json.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from worker.training import device


class Memory(TrainerCallback):  # type: ignore[misc]
    """The most memory that was held at the end of a step."""

    def __init__(self) -> None:
        self.most = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del state, control
        self.most = max(self.most, device.memory_gb(args.device))


def main(folder: Path) -> None:
    began = time.perf_counter()
    order = json.loads((folder / "peer.json").read_text())
    data = Dataset.from_list(pl.read_parquet(folder / "examples.parquet").to_dicts())
    memory = Memory()
    trainer = SFTTrainer(
        model=order["model"],
        args=SFTConfig(
            output_dir=str(folder / "peer"),
            num_train_epochs=order["epochs"],
            learning_rate=order["learning_rate"],
            bf16=order["dtype"] == "bfloat16",
            model_init_kwargs={"dtype": order["dtype"]},
            use_cpu=not torch.cuda.is_available(),
            dataloader_pin_memory=torch.cuda.is_available(),
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=data,
        peft_config=LoraConfig(
            r=order["rank"], lora_alpha=order["alpha"], target_modules="all-linear", task_type="CAUSAL_LM"
        ),
        callbacks=[memory],
    )
    loaded = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - loaded
    trainer.model.save_pretrained(folder / "adapter")
    took = {"seconds": seconds, "load_seconds": loaded - began, "memory_gb": memory.most}
    (folder / "peer-took.json").write_text(json.dumps(took))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
