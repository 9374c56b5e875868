"""Every kind of product that the invented shop sells, read from the goods_*.toml beside this file."""

import tomllib
from importlib import resources
from typing import Any

from worker.demo.product import Amount, Choice, Kind, Spec

_FILES = ("goods_home.toml", "goods_work.toml", "goods_outside.toml")  # the order decides what a seed draws


def kinds() -> tuple[Kind, ...]:
    """All kinds, in the order of the files."""
    folder = resources.files("worker.demo")
    return tuple(kind for name in _FILES for kind in read(tomllib.loads(folder.joinpath(name).read_text("utf-8"))))


def read(goods: dict[str, Any]) -> list[Kind]:
    """The kinds of one parsed file.

    Raises TypeError for a field that is missing or that its class does not know, KeyError for a spec that is not there.
    """
    shared = {name: _spec(fields) for name, fields in goods["specs"].items()}
    usual = {"series": goods["series"], "colours": goods["colours"]}
    return [_kind({**usual, **fields}, shared) for fields in goods["kinds"]]


def _kind(fields: dict[str, Any], shared: dict[str, Spec]) -> Kind:
    specs = tuple(shared[spec["same"]] if "same" in spec else _spec(spec) for spec in fields.pop("specs"))
    return Kind(specs=specs, **_frozen(fields))


def _spec(fields: dict[str, Any]) -> Spec:
    return Choice(**_frozen(fields)) if "factors" in fields else Amount(**_frozen(fields))


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with a tuple for each list."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
