"""A model of the real kind that learns in seconds: random weights, with the tokenizer of a packaged one."""

import json
import shutil
from pathlib import Path

from worker.llm.local.packages import model_folder


def a_model_folder(folder: Path, *, seed: int = 0, width: int = 32, layers: int = 3) -> Path:
    """A random Llama that reads with SmolLM2's tokenizer. Raises NotReady where that package is missing."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    packaged = model_folder("smollm2-135m")
    folder.mkdir(parents=True)
    for file in packaged.glob("*token*"):
        shutil.copy(file, folder)
    tokens = json.loads((packaged / "config.json").read_text())
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=tokens["vocab_size"],
            hidden_size=width,
            intermediate_size=48,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            tie_word_embeddings=True,
            max_position_embeddings=4096,
            bos_token_id=tokens["bos_token_id"],
            eos_token_id=tokens["eos_token_id"],
        )
    )
    with torch.no_grad():  # random weights give near-uniform answers; these give some that are likely
        for weights in model.parameters():
            weights.mul_(3 if weights.ndim > 1 else 1)
    model.to(torch.float32).save_pretrained(folder)
    return folder
