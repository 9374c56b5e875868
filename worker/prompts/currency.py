"""Puts the currency of a table into a prompt that speaks of dollars."""

import re
from dataclasses import replace

from db.types import PromptVersion
from worker.amounts import currencies

_NAME = re.compile(r"\bUS dollars?\b|\bUSD\b|(?<!\|)(?<!\| )\bdollars?\b", re.IGNORECASE)  # not the filter of that name


def in_currency(prompt: PromptVersion, code: str) -> PromptVersion:
    """The prompt with another currency in place of the dollars that it names: "Price: $" becomes "Price: €", and "in
    whole dollars" becomes "in whole euros". code: "" or USD = as it is."""
    if code in ("", "USD"):
        return prompt
    currency = currencies.of(code)

    def said(text: str) -> str:
        return _NAME.sub(lambda _: currency.name, text).replace("$", currency.prefix)

    return replace(prompt, system=said(prompt.system), template=said(prompt.template))
