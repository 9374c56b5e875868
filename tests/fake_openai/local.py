"""The brain of a real model: a packaged one, read by transformers directly, with its true log-probabilities.

It shares no code with worker/llm/local/model.py beyond finding the folder, so that tests compare two ways of reading.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from tests.fake_openai.brain import Answer, Ask, Token, shortened, text_of
from tests.fake_openai.prices import TOP
from tests.fake_openai.settings import Model
from tests.fake_openai.troubled import Refused
from worker.llm.local.device import quiet
from worker.llm.local.packages import model_folder

_LONGEST = 256  # tokens of an answer where nobody set a limit
_LONGEST_SLOT = {"number": 6, "integer": 6, "string": 24}  # tokens of one value in guided JSON


class LocalBrain:
    """One request at a time. Numbers are digit by digit, as this model's tokenizer cuts them. No function calls."""

    blocking = True

    def __init__(self, name: str = "smollm2-135m", dtype: torch.dtype = torch.float32) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        quiet()
        folder = model_folder(name)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
        self.name = name
        self._lock = threading.Lock()
        self._ends = {self.tokenizer.eos_token_id, *self.tokenizer.convert_tokens_to_ids(["<|im_end|>"])} - {None}
        self._pieces: list[str] | None = None

    def models(self) -> list[Model] | None:
        context = int(self.model.config.max_position_embeddings)
        return [Model(id=self.name, owned_by="local", context=context, digits="single")]

    def tokens(self, messages: Sequence[Mapping[str, Any]]) -> list[str]:
        return [str(token) for token in self._ids(messages)]

    def answer(self, ask: Ask) -> Answer:
        if ask.tools and ask.tool_choice != "none":
            raise Refused(400, f"{self.name} can't call functions.", param="tools", code="unsupported_parameter")
        ids = self._ids(ask.messages)
        with self._lock, torch.inference_mode():
            writing = _Writing(self, ids, ask)
            if ask.schema is None:
                room = ask.max_tokens or _LONGEST
                writing.free(min(room, ask.model.context - len(ids)))
            else:
                writing.guided(ask.schema)
        return shortened(Answer(writing.out, (), writing.finish), ask)

    def _ids(self, messages: Sequence[Mapping[str, Any]]) -> list[int]:
        plain = [{"role": message["role"], "content": text_of(message)} for message in messages]
        text = self.tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=True)
        ids: list[int] = self.tokenizer(text, add_special_tokens=False).input_ids
        return ids

    def piece(self, token: int) -> str:
        return str(self.tokenizer.decode([token], clean_up_tokenization_spaces=False))

    def pieces(self) -> list[str]:
        """The text of each token of the vocabulary."""
        if self._pieces is None:
            self._pieces = [self.piece(token) for token in range(int(self.model.config.vocab_size))]
        return self._pieces


class _Writing:
    """One answer in the making."""

    def __init__(self, brain: LocalBrain, prompt: list[int], ask: Ask) -> None:
        self.brain, self.ask = brain, ask
        self.out: list[Token] = []
        self.finish = "stop"
        self.random = torch.Generator()
        if ask.seed is not None:
            self.random.manual_seed(ask.seed)
        else:
            self.random.seed()
        self._cache: Any = None
        self._read(prompt)

    def _read(self, ids: list[int]) -> None:
        read = self.brain.model(torch.tensor([ids]), past_key_values=self._cache, use_cache=True)
        self._cache = read.past_key_values
        self.odds = torch.log_softmax(read.logits[0, -1].float(), 0)

    def _put(self, token: int) -> None:
        values, ids = self.odds.topk(TOP)
        top = tuple((self.brain.piece(i), v) for i, v in zip(ids.tolist(), values.tolist(), strict=True))
        self.out.append(Token(self.brain.piece(token), float(self.odds[token]), top))
        self._read([token])

    def _pick(self, allowed: torch.Tensor | None = None) -> int:
        odds = self.odds if allowed is None else self.odds.masked_fill(~allowed, float("-inf"))
        if not self.ask.temperature:
            return int(odds.argmax())
        return int(torch.multinomial((odds / self.ask.temperature).softmax(0), 1, generator=self.random))

    def free(self, most: int) -> None:
        for _ in range(most):
            token = self._pick()
            if token in self.brain._ends:
                return
            self._put(token)
        self.finish = "length"

    def guided(self, schema: Mapping[str, Any]) -> None:
        """JSON of the schema: what the schema fixes is written for the model, the values are its own."""
        for literal, kind in _slots(schema or {"type": "object", "properties": {"price": {"type": "number"}}}):
            for token in self.brain.tokenizer(literal, add_special_tokens=False).input_ids:
                self._put(token)
            if kind:
                self._value(kind)

    def _value(self, kind: str) -> None:
        texts = self.brain.pieces()
        is_number = kind != "string"
        fits = torch.tensor([_fits(text, is_number) for text in texts])
        ends = torch.tensor([text[:1] in (("}", ",", "\n", " ", ".") if is_number else ('"',)) for text in texts])
        for i in range(_LONGEST_SLOT[kind]):
            if i:
                allowed = fits | ends
            else:  # JSON knows no number that starts with 0
                allowed = fits & torch.tensor([not (is_number and text.startswith("0")) for text in texts])
            token = self._pick(allowed)
            if ends[token]:
                return
            self._put(token)


def _fits(text: str, is_number: bool) -> bool:
    return text.isascii() and (  # control tokens are no value, nor is anything that JSON would have to escape
        text.isdigit() if is_number else bool(text) and text.isprintable() and not set(text) & {'"', "\\"}
    )


def _slots(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(text that the schema fixes, kind of the value after it); the last kind is empty."""
    text = "{"
    for i, (name, inner) in enumerate((schema.get("properties") or {}).items()):
        text += (", " if i else "") + json.dumps(name) + ": "
        kind = inner.get("type", "string")
        kind = next((k for k in kind if k != "null"), "string") if isinstance(kind, list) else kind
        if "enum" in inner:
            text += json.dumps(inner["enum"][0])
        elif kind in ("number", "integer"):
            yield text, kind
            text = ""
        elif kind == "string":
            yield text + '"', kind
            text = '"'
        else:
            text += {"array": "[]", "object": "{}", "boolean": "false"}.get(kind, "null")
    yield text + "}", ""
