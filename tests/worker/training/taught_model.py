"""A small model that knows something: a Llama that was taught general texts and the gate's questions in seconds, and
adapters that a plain loop trains into it."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch

from worker import gate_texts
from worker.llm.local.adapters import CONFIG_FILE, WEIGHTS_FILE

BATCH = 16
WORDS = 1024


@cache
def folder(parent: Path) -> Path:
    """The model as transformers keeps one."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    pieces.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=WORDS, special_tokens=["<end>"], initial_alphabet=alphabet, show_progress=False
    )
    texts = gate_texts.replay()
    answers = [question.start + question.endings[0] for question in gate_texts.questions()]
    pieces.train_from_iterator([*texts, *answers], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=pieces, eos_token="<end>", pad_token="<end>")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=0,
    )
    model = LlamaForCausalLM(config)
    teach(model, tokenizer([*texts[::3], *answers, *answers]).input_ids, epochs=9, rate=5e-3)
    model.save_pretrained(parent)
    tokenizer.save_pretrained(parent)
    return parent


def teach(model: Any, texts: Sequence[list[int]], *, epochs: int, rate: float, seed: int = 0) -> None:
    """Next-token loss on whole texts, similar lengths together."""
    torch.set_num_threads(1)  # a second thread only waits on networks this small
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    generator = torch.Generator().manual_seed(seed)
    model.train()
    for _ in range(epochs):
        for place in torch.randperm(len(batches), generator=generator).tolist():
            some = [texts[i] for i in batches[place]]
            longest = max(map(len, some))
            ids = torch.tensor([[*text, *[0] * (longest - len(text))] for text in some])
            labels = torch.tensor([[*text, *[-100] * (longest - len(text))] for text in some])
            model(input_ids=ids, labels=labels).loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            optimiser.zero_grad()
    model.eval()


def adapter(base: Path, texts: Sequence[str], *, epochs: int, rate: float, seed: int = 0) -> dict[str, bytes]:
    """Files of a LoRA adapter that learned these texts."""
    from peft import LoraConfig, get_peft_model_state_dict, inject_adapter_in_model
    from safetensors.torch import save
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(base)
    parts = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=8, lora_alpha=16, target_modules=parts, task_type="CAUSAL_LM")
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).requires_grad_(False)
    model = inject_adapter_in_model(config, plain)
    teach(model, tokenizer(list(texts)).input_ids, epochs=epochs, rate=rate, seed=seed)
    weights = {f"base_model.model.{name}": v.contiguous() for name, v in get_peft_model_state_dict(model).items()}
    values = {name: sorted(v) if isinstance(v, set) else v for name, v in config.to_dict().items()}
    return {CONFIG_FILE: json.dumps(values, default=str).encode(), WEIGHTS_FILE: save(weights)}


def listings(category: str, n: int) -> list[str]:
    """Products of one category with prices, as a fine-tune reads them."""
    sizes = [1 + 7 * i % 19 for i in range(n)]
    return [
        f"A product from an online shop\n\n{category} model {i} size {size}\n\nPrice: ${10 + 3 * size}\n"
        for i, size in enumerate(sizes)
    ]
