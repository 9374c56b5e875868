"""The table of techniques: name -> spec class, made from the classes themselves.

A technique is two classes, its spec and what prices with it. The spec classes of worker/specs/techniques.py and of the
modules that PRICEWRIGHT_TECHNIQUES names are the table; pages, flags, estimates and pricing follow from it. A spec says
where its technique lives (`made_by`), and worker.techniques.build imports that only when something is fitted or priced:
the pages list techniques without loading any.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from types import ModuleType

from pydantic import ValidationError

from db.errors import UserError
from db.settings import settings
from worker.specs import techniques
from worker.specs.base import BaseSpec, fact_names
from worker.specs.llm import MODELS


class _Table(Mapping[str, type[BaseSpec]]):
    """The table of techniques, read when it is first looked into: a broken module is told where errors are told."""

    def __getitem__(self, name: str) -> type[BaseSpec]:
        return known()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(known())

    def __len__(self) -> int:
        return len(known())


SPECS: Mapping[str, type[BaseSpec]] = _Table()
"""Technique name -> its spec, in the order people see them: cheap first, those of your own last."""


@cache
def known() -> dict[str, type[BaseSpec]]:
    """What SPECS holds. Raises UserError for a module of your own that can't be used."""
    table = specs_of(techniques)
    for name in settings().techniques.replace(",", " ").split():
        for technique, kind in specs_of(_imported(name)).items():
            if technique in table:
                raise UserError(f"{name}: there is a technique {technique!r} already; give yours another name.")
            table[technique] = kind
    return table


def specs_of(module: ModuleType) -> dict[str, type[BaseSpec]]:
    """The techniques that a module defines, in its order. Raises UserError for one that lacks a fact."""
    table = {}
    for kind in vars(module).values():
        if isinstance(kind, type) and issubclass(kind, BaseSpec) and kind.__module__ == module.__name__:
            name = str(kind.model_fields["technique"].default)
            missing = [fact for fact in fact_names() if not hasattr(kind, fact)]
            if name and missing:
                raise UserError(f"{module.__name__}: {kind.__name__} lacks {', '.join(missing)}.")
            if name:
                table[name] = kind
    return table


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except Exception as error:  # whatever is wrong in it, it is somebody's own file
        raise UserError(
            f"PRICEWRIGHT_TECHNIQUES names the module {name}, which can't be imported ({error}); correct it, or put "
            "its folder on PYTHONPATH."
        ) from error


def parse(values: Mapping[str, object]) -> BaseSpec:
    """A spec from plain values (a form, CLI flags, a stored job). Raises UserError naming the first bad field."""
    kind = SPECS.get(str(values.get("technique")))
    if kind is None:
        raise UserError(f"There is no technique {values.get('technique')!r}; choose one of {', '.join(SPECS)}.")
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{where or 'spec'}: {first['msg']}.") from error


def defaults() -> list[BaseSpec]:
    """What is tried first: techniques that need no endpoint and no long wait, with their default settings."""
    return [kind() for kind in SPECS.values() if kind.is_default]


def variants() -> list[BaseSpec]:
    """Every technique that runs without an endpoint, with every packaged model, and greedy text beside the readout."""
    chosen: list[BaseSpec] = []
    for name, kind in SPECS.items():
        if kind.calls_functions or kind.needs_adapter:
            continue
        models: list[dict[str, object]] = [{"model": model} for model in MODELS] if kind.uses_llm else [{}]
        for further in ({}, *kind.also_tried):
            chosen += [parse({"technique": name, **model, **further}) for model in models]
    return chosen
