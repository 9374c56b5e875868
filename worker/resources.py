"""Builds what a technique may use, once per process and only when asked for: index, models, fitted techniques."""

import ctypes
import gc
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import polars as pl

from db import adapters, artifacts, datasets, predictions, rates
from db.engine import begin
from db.errors import NotReady
from db.settings import settings
from db.types import PREDICTION_SCHEMA, Dataset, PromptVersion
from worker.datasets import quantities
from worker.evaluation import calibration, conformal
from worker.jobs.machines import machine_queue
from worker.knowledge.index import PgIndex
from worker.llm.base import LanguageModel, Precision
from worker.progress import Progress
from worker.prompts import versions
from worker.specs import BaseSpec, is_endpoint_model
from worker.techniques import build
from worker.techniques.base import Index, Technique

if TYPE_CHECKING:  # torch is loaded when a model is
    from worker.llm.local.model import LocalModel


_models: "OrderedDict[tuple[str, Precision], LocalModel]" = OrderedDict()  # that are kept, used longest ago first
_alive: "WeakValueDictionary[tuple[str, Precision], LocalModel]" = WeakValueDictionary()  # that anybody still holds


def local_model(name: str, precision: Precision) -> "LocalModel":
    """A model on this machine, kept until `release`, or until others need the room (settings.local_models_gb)."""
    from worker.llm.local.model import LocalModel, weights_size

    key = (name, precision)
    model = _alive.get(key)  # one that a technique at work holds is not loaded a second time
    if model is None:
        _make_room(weights_size(name))
        model = LocalModel(name, precision=precision)
    _models[key] = _alive[key] = model
    _models.move_to_end(key)
    _make_room(0)
    return model


def _make_room(size: int) -> None:
    """Give models back, the one used longest ago first, until the kept ones and `size` bytes more are within the limit;
    the last one stays where nothing is to come."""
    most = settings().local_models_gb * 1e9 - size
    given_back = False
    while len(_models) > (size == 0) and sum(model.size for model in _models.values()) > most:
        key, _ = _models.popitem(last=False)
        for adapted in [each for each in _adapted if each[1:] == key]:
            del _adapted[adapted]
        _fitted.clear()  # techniques hold their model; what they had learned is read again where it is needed
        given_back = True
    if given_back:
        _trim()


_ADAPTED = 4  # models with adapters that a process keeps; each is only as large as its adapter
_adapted: OrderedDict[tuple[str, str, str], "LocalModel"] = OrderedDict()


def _adapted_model(adapter_id: str, model: str, precision: Precision) -> "LocalModel":
    key = (adapter_id, model, precision)
    base = local_model(model, precision)  # used now, so it is not the next to go
    if key not in _adapted:
        with begin() as session:
            adapter = adapters.get(session, adapter_id)
            files = adapters.files(session, adapter.id)
        _adapted[key] = base.adapted(files, trained_on=adapter.base_hash)
    _adapted.move_to_end(key)
    while len(_adapted) > _ADAPTED:
        _adapted.popitem(last=False)
    return _adapted[key]


def _endpoint_model(name: str, sample: int, batch: str) -> LanguageModel:
    """A model behind an endpoint, made anew each time: that costs nothing, and what is set for it may have changed."""
    from worker.llm.endpoint.model import PaidModel

    return PaidModel(name, sample, batch)


_KEPT = 4  # fitted techniques a process keeps; language models are shared among them and not counted
_fitted: OrderedDict[tuple[str, int], Technique] = OrderedDict()


def release() -> None:
    """Give back the memory of what this process keeps: a training needs it, in a process of its own. Whoever asks for
    it later waits until it is loaded again."""
    _models.clear()
    _adapted.clear()
    _fitted.clear()
    _trim()


def _trim() -> None:
    """Hand memory that nothing uses any more to the machine: the allocator would keep most of it for later."""
    gc.collect()
    if sys.platform == "linux":
        # Other C libraries than glibc have no such function, and keep less.
        getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)(0)
    torch = sys.modules.get("torch")  # no GPU memory is held where nobody imported it
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


class LiveResources:
    """Resources for techniques that learn from one dataset, and price it or another one."""

    def __init__(
        self,
        dataset_id: int,
        fit_member: Callable[[BaseSpec], None] | None = None,
        *,
        priced_id: int | None = None,
    ) -> None:
        """`fit_member` fits another technique on the dataset unless that was done before; needed only to fit.
        `priced_id`: the dataset whose rows are priced; None = this one."""
        self._dataset_id = dataset_id
        self._fit_member = fit_member
        self._priced_id = dataset_id if priced_id is None else priced_id

    def index(self) -> Index:
        return PgIndex(self._dataset_id, asking_id=self._priced_id)

    def language_model(
        self, name: str, sample: int = 0, batch: str = "off", precision: Precision = "auto"
    ) -> LanguageModel:
        return _endpoint_model(name, sample, batch) if is_endpoint_model(name) else local_model(name, precision)

    def adapted_model(self, adapter: str, model: str, precision: Precision = "auto") -> "LocalModel":
        return _adapted_model(adapter, model, precision)

    def prompt(self, ref: str) -> PromptVersion:
        with begin() as session:
            return quantities.worded(session, versions.resolve(session, ref), datasets.get(session, self._dataset_id))

    def fit_member(
        self, spec: BaseSpec, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress
    ) -> "LiveMember":
        del train, validation, progress  # the fit step reads each technique's own rows of the dataset
        if self._fit_member is not None:
            self._fit_member(spec)
        return self.member(spec)

    def member(self, spec: BaseSpec) -> "LiveMember":
        with begin() as session:
            return LiveMember(datasets.get(session, self._dataset_id), spec, self._priced_id)


def fitted(source: Dataset, spec: BaseSpec, fit_hash: str, priced_id: int) -> Technique:
    """The technique of a spec, with what its fit step learned from a dataset, for the rows of the same or another one.
    Raises NotReady if it learns and that step never ran."""
    key = (fit_hash, priced_id)
    if key in _fitted:
        _fitted.move_to_end(key)
        return _fitted[key]
    technique = build(spec, LiveResources(source.id, priced_id=priced_id))
    if spec.learns:
        with begin() as session:
            artifact = artifacts.get(session, fit_hash)
        if artifact is None:
            raise NotReady("What this technique had learned is gone; start the job again.")
        technique.load(artifact)
    _fitted[key] = technique
    while len(_fitted) > _KEPT:
        _fitted.popitem(last=False)
    return technique


class LiveMember:
    """A fitted technique whose stored answers are used where there are some: validation rows that its fit priced, and
    rows that a job with the same spec and source priced."""

    def __init__(self, source: Dataset, spec: BaseSpec, priced_id: int) -> None:
        self._source = source
        self._spec = spec
        self._priced_id = priced_id
        self._fit_hash = datasets.fit_hash(source, spec.fit_key)
        with begin() as session:
            answers = calibration.read(artifacts.part(session, self._fit_hash, calibration.PART))
            groups = datasets.groups(session, source.id, answers["row"].to_list())
        self._intervals = conformal.learn(answers)
        self.calibration = self._with_intervals(answers).join(groups, on="row", how="left", maintain_order="left")

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        stored = self._stored(items)
        rest = items.filter(~pl.col("row").is_in(stored["row"].implode()))
        progress.advance(len(items) - len(rest))
        frames = [stored]
        if len(rest):
            with begin() as session:
                hourly = rates.usd_per_hour(session, machine_queue(session, self._spec))
            technique = fitted(self._source, self._spec, self._fit_hash, self._priced_id)
            frames.append(self._with_intervals(price_with(technique, rest, progress, float(hourly) / 3600)))
        known = pl.concat(frames)
        return items.select("row").join(known, on="row", how="left", maintain_order="left")

    def _with_intervals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """As its own jobs store them, so that stored and fresh answers have intervals of one kind."""
        return self._intervals.around(frame) if self._intervals else conformal.without(frame)

    def _stored(self, items: pl.DataFrame) -> pl.DataFrame:
        """PREDICTION_SCHEMA of the items that it answered before, at no cost now."""
        rows = items["row"].to_list()
        is_elsewhere = self._priced_id != self._source.id
        source_id = self._source.id if is_elsewhere else None
        with begin() as session:
            earlier = predictions.stored(session, self._priced_id, self._spec.fit_key, rows, source_id)
            earlier = quantities.to_units(session, self._source, self._priced_id, earlier)
        judged = self.calibration.filter(  # validation rows of the source are no rows of another table
            ~pl.lit(is_elsewhere)
            & pl.col("row").is_in(items["row"].implode())
            & ~pl.col("row").is_in(earlier["row"].implode())
        )
        judged = judged.with_columns(
            *(pl.lit(0, pl.Int64).alias(name) for name in ("tokens_in", "tokens_out", "tokens_cached")),
            saved_usd=pl.lit(0.0),
            evidence=pl.lit(None, pl.String),
        ).select(list(PREDICTION_SCHEMA))
        found = pl.concat([earlier, judged])
        # What nobody knows the price of stays unknown, though it is not paid again.
        worth = pl.col("usd") + pl.col("saved_usd")
        return found.with_columns(usd=pl.when(worth.is_not_null()).then(0.0), saved_usd=worth.fill_null(0.0))


def price_with(technique: Technique, items: pl.DataFrame, progress: Progress, usd_per_second: float) -> pl.DataFrame:
    """PREDICTION_SCHEMA of items without prices, with what each took in seconds and usd (null: paid, the price is
    unknown)."""
    started = time.perf_counter()
    frame = technique.price(items, progress)
    seconds = time.perf_counter() - started
    if frame.schema != PREDICTION_SCHEMA or not frame["row"].equals(items["row"]):
        name = type(technique).__name__
        raise ValueError(f"{name} must return one line per item, in order, with the columns of PREDICTION_SCHEMA")
    return frame.with_columns(pl.col("seconds").fill_null(seconds / max(1, len(items)))).with_columns(
        usd=pl.coalesce("usd", pl.col("seconds") * usd_per_second).fill_nan(None)
    )
