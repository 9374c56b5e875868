"""The heads that say a price in place of words: one table from a form to its head, from which all others read."""

from collections.abc import Mapping

from safetensors.torch import load

from worker.llm.local.price_head import PriceHead
from worker.llm.local.quantile_head import QuantileHead
from worker.specs.forms import FORMS

HEADS: dict[str, type[PriceHead]] = {"quantiles": QuantileHead}
"""Name of a form that has a head -> its head."""


def form_of(files: Mapping[str, bytes]) -> str | None:
    """The form whose head is among an adapter's files; None where words say the price."""
    return next((form for form in HEADS if FORMS[form].head_file in files), None)


def head_bytes(files: Mapping[str, bytes]) -> bytes:
    """The file of an adapter's head; empty where it has none."""
    form = form_of(files)
    return files[FORMS[form].head_file] if form else b""


def head(files: Mapping[str, bytes]) -> PriceHead | None:
    """What says the price, where the adapter was trained to have a head."""
    form = form_of(files)
    return HEADS[form].of(load(head_bytes(files))) if form else None
