"""Tiny random networks: the real architectures, a vocabulary of 40 tokens, milliseconds per pass."""

from typing import Any

import torch

from worker.llm.local.attention import register
from worker.llm.local.network import Network

DIGITS = tuple(range(10, 20))  # token 10 spells "0"
COMMA = 20
VOCABULARY = {**{str(i): token for i, token in enumerate(DIGITS)}, ",": COMMA, "$": 21, ".": 22}


def encode(texts: list[str]) -> list[list[int]]:
    return [[VOCABULARY[letter] for letter in text] for text in texts]


def network(kind: str = "llama", attention: str = "") -> Network:
    """`gemma` mixes window layers (window 6) with full ones."""
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    torch.set_num_threads(1)  # a second thread only waits on networks this small
    sizes: dict[str, Any] = {
        "vocab_size": 40,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    if kind == "llama":
        model: Any = LlamaForCausalLM(LlamaConfig(**sizes))
    else:
        layers = ["sliding_attention", "sliding_attention", "full_attention"]
        model = Gemma3ForCausalLM(Gemma3TextConfig(**sizes, sliding_window=6, layer_types=layers))
    with torch.no_grad():  # random weights give near-uniform answers; these give some that are likely
        for weights in model.parameters():
            weights.mul_(3 if weights.ndim > 1 else 1)
    model.set_attn_implementation(attention or register())
    return Network(model.eval(), torch.device("cpu"), [[21, 11], [21, 12, 13]])
