"""The base of every technique's spec: the settings that identify it, and the facts that everything else goes by."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from db.types import Family

ENDPOINT_ONLY: JsonDict = {"endpoint_only": True}
PRICE: JsonDict = {"unit": "price"}
"""Of a number that is a price of the table, in whatever currency that is."""
"""Marks a field that means something only for a model behind an endpoint."""

FROM_TABLE = "As the table says; empty = dollars, or unknown."
"""Of the currency that a language model is asked for: decided by the table that is learned from."""

PACKAGED_PROMPTS = ("auto", "listing@1", "question@1", "extract", "extract@1")
"""What `prompt` holds when nobody chose another one; a job records the version."""

_FIT_FORM = 2  # of every technique's artifact. 1: without calibration rows


class Seconds(NamedTuple):
    """A rule of thumb from single runs on two busy cores, so only the order of magnitude counts; it is used until an
    installation has measured its own."""

    per_item: float
    fit: float = 0.0  # the part of a fit that does not grow with the table
    fit_per_row: float = 0.0  # of the train side


class BaseSpec(BaseModel):
    """The full configuration of a technique; same fields, same hash, same job.

    Field titles, descriptions and bounds are shown on the Run page. What is true of the technique whatever its
    settings stands as a class variable: pages, the command line, estimates and pricing look here and nowhere else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    technique: str = ""
    """Its name, as a Literal with that default; empty = a base class, not a technique."""

    made_by: ClassVar[str]  # "module:Class" of the technique itself, imported when something is fitted or priced
    family: ClassVar[Family]
    label: ClassVar[str]  # what people read
    about: ClassVar[str]  # one sentence: what it does and when it is a good choice
    seconds: ClassVar[Seconds]
    chunk_items: ClassVar[int]  # items per chunk: a few seconds of work, so that progress moves and retries are cheap
    needs_fit: ClassVar[bool] = True
    needs_validation: ClassVar[bool] = True  # its fit looks at validation rows, which then can't calibrate it
    fit_form: ClassVar[int] = 1  # raised when stored fits are read, or rows priced, in another way: then all is anew
    uses_llm: ClassVar[bool] = False
    needs_adapter: ClassVar[bool] = False  # has a field `adapter`, and can't run before there is one
    calls_functions: ClassVar[bool] = False  # needs a model that can, and so an endpoint: none on this machine can
    searches: ClassVar[bool] = False  # some of its answers may rest on neighbours from the knowledge base
    is_preselected: ClassVar[bool] = False  # chosen at first on the Run page: takes seconds, or is compared with those
    is_default: ClassVar[bool] = False  # priced for the demo: needs no endpoint and no long wait
    also_tried: ClassVar[tuple[Mapping[str, object], ...]] = ()  # further settings worth a job in a full comparison
    k_counts: ClassVar[str] = ""  # what its field `k` counts, "examples" or "neighbours"; else no context curve
    reads: ClassVar[tuple[str, ...]] = ("title", "description", "category", "brand")  # others come empty, unread
    filled: ClassVar[tuple[str, ...]] = ()  # fields that something else decides, so that no form asks for them
    rare: ClassVar[tuple[str, ...]] = ()  # fields that few change: a form keeps them under "More settings"

    drawn: ClassVar[tuple[str, ...]] = ()  # fields that only draw anew: jobs that differ in nothing else are repeats

    @property
    def is_by_chance(self) -> bool:
        """Whether another draw can change its answers."""
        return bool(self.drawn)

    @property
    def learns(self) -> bool:
        """Whether a fit with these settings leaves something that pricing needs."""
        return self.needs_fit

    @property
    def judges(self) -> bool:
        """Whether a fit with these settings looks at validation rows."""
        return self.needs_validation

    @property
    def calibration_rows(self) -> int:
        """How many validation rows a fit prices at most to learn how far prices are off: more say it more exactly, and
        each takes as long as any other row."""
        return 1_000

    @property
    def reads_neighbours(self) -> bool:
        """Whether every answer rests on neighbours, so that the age of the knowledge base is part of the result."""
        return False

    @property
    def uses_endpoint(self) -> bool:
        """Whether its model answers behind an endpoint, for money."""
        return False

    @property
    def chunk_size(self) -> int:
        """Items of a chunk with these settings."""
        return self.chunk_items

    @property
    def hash(self) -> str:
        """The identity: SHA-256 of all fields."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def fit_key(self) -> str:
        """What a fit is kept under, together with its train side (db.datasets.fit_hash), and what tells a job from
        those of the same spec in an older form."""
        return f"{self.hash} {self.fit_form} {_FIT_FORM}"

    def changes(self, form: str = "") -> list[str]:
        """What differs from the defaults, in words: ["smollm2-135m", "k=3"]. `form`: what its adapter learned to
        say, where that is known."""
        del form
        standard = type(self)().model_dump()
        return [
            model_name(str(value)) if field == "model" else f"{field}={value}"
            for field, value in self.model_dump().items()
            if value != standard.get(field)
            and value not in PACKAGED_PROMPTS
            and field not in (*self.filled, "adapter", "min_price", "max_price", "currency")
        ]


def not_said(value: str) -> bool:
    """Whether a setting is left out of a spec's fields, and so of its hash: specs of before had no such setting."""
    return not value


def is_endpoint_model(model: str) -> bool:
    """Whether a model answers behind an endpoint: "endpoint:model"; everything else is a packaged name or a folder."""
    endpoint, colon, name = model.partition(":")
    return bool(colon and name and endpoint and not any(sign in endpoint for sign in "/\\."))


def model_name(ref: str) -> str:
    """What to call a model in a list: a folder by its last part, everything else by what it was asked for with."""
    return ref if is_endpoint_model(ref) or not PurePath(ref).is_absolute() else PurePath(ref).name


def asked_fields(kind: type[BaseSpec]) -> list[str]:
    """The fields that a person decides, in the order of a form: an adapter first, because it decides the rest.

    What means something only for a model behind an endpoint is not asked for where the model itself is not.
    """
    fixed = {"technique", "currency", *kind.filled}
    if "model" in kind.filled:
        fixed |= {name for name, field in kind.model_fields.items() if field.json_schema_extra == ENDPOINT_ONLY}
    return sorted((name for name in kind.model_fields if name not in fixed), key=lambda name: name != "adapter")


def describe(spec: BaseSpec, form: str = "") -> str:
    """The label, with what differs from the defaults: "RAG (smollm2-135m, k=3)". `form`: as for `changes`."""
    changes = spec.changes(form)
    return f"{spec.label} ({', '.join(changes)})" if changes else spec.label


def fact_names() -> list[str]:
    """The class variables that every technique has to give."""
    return sorted(name for name in BaseSpec.__class_vars__ if name not in vars(BaseSpec))
