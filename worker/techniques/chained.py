"""Asks a language model in two steps: for a product's attributes, then for the price that follows from them."""

import json
from dataclasses import asdict
from typing import Any

import polars as pl

from worker.llm.base import Prompt, Spent, Written
from worker.progress import Progress
from worker.prompts.builtin import ATTRIBUTES
from worker.prompts.filling import Form
from worker.prompts.injection import as_data
from worker.specs import ChainedSpec
from worker.techniques.shared.prompt_filling import Given, fill
from worker.techniques.shared.prompting import Answer, Asking, item_texts

_BOOKS = ("tokens_in", "tokens_out", "usd", "saved_usd")


class Chained(Asking[ChainedSpec]):
    """Two calls per item; each step's tokens and money are in the evidence."""

    def given(self, items: pl.DataFrame, progress: Progress) -> list[Given]:
        form = Form(
            self.resources.prompt(self.spec.extract_prompt),
            self.model,
            self.spec.max_text_tokens,
            room=self.spec.max_attribute_tokens,
            bounds=self.spec.bounds,
        )
        bare = [Given(stats=self.stats_of(category)) for category in items["category"]]
        questions = fill(form, items["row"].to_list(), item_texts(items), bare)
        prompts = [one.prompt for one in questions]
        written = self.model.write(prompts, self.spec.max_attribute_tokens, progress, ATTRIBUTES)
        return [_remember(*triple) for triple in zip(bare, prompts, written, strict=True)]

    def evidence(self, answer: Answer) -> dict[str, Any]:
        kept = super().evidence(answer)
        if answer.asked is not None:
            second = _step("price", answer.asked.prompt, str(kept.get("answer", "")), answer.reading.spent)
            kept["steps"] = [*kept["steps"], second]
        return kept


def _remember(given: Given, prompt: Prompt, written: Written) -> Given:
    step = _step("extract", prompt, written.text, written.spent)
    given.spent, given.error = written.spent, written.error
    read = read_attributes(written.text)
    given.attributes = as_data(written.text) if read is None else json.dumps(read, ensure_ascii=False)
    given.evidence = {"steps": [step | ({"unread": True} if read is None else {})]}
    return given


def _step(name: str, prompt: Prompt, answer: str, spent: Spent) -> dict[str, Any]:
    books = asdict(spent)
    step = {"name": name, "prompt": prompt.user, "answer": answer, **{key: books[key] for key in _BOOKS}}
    if step["usd"] is not None and step["usd"] != step["usd"]:  # unknown: JSON has no NaN
        step["usd"] = None
    return step


def read_attributes(text: str) -> dict[str, str] | None:
    """The JSON object that an answer is, or holds as its first one; None when there is none that can be read.

    Only texts, numbers and lists of them are taken, as data; empty ones are left out.
    """
    start = text.find("{")
    if start < 0:
        return None
    try:
        attributes, _ = json.JSONDecoder().raw_decode(text[start:])
    except (ValueError, RecursionError):
        return None
    out = {}
    for key, value in attributes.items():
        plain = ", ".join(map(str, value)) if isinstance(value, list) else value
        if isinstance(plain, (str, int, float)) and not isinstance(plain, bool) and as_data(str(plain)):
            out[as_data(str(key))[:60]] = as_data(str(plain))[:300]
    return out
