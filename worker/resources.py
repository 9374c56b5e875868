"""Builds what a technique may use, once per process and only when asked for: index, models, fitted techniques."""

import gc
import sys
from collections import OrderedDict
from functools import cache
from typing import TYPE_CHECKING

from db import adapters, artifacts
from db.engine import begin
from db.errors import NotReady
from db.types import Dataset, PromptVersion
from worker.knowledge.index import PgIndex
from worker.llm.base import LanguageModel, Precision
from worker.prompts import versions
from worker.specs import BaseSpec, is_endpoint_model
from worker.techniques import build
from worker.techniques.base import Index, Technique

if TYPE_CHECKING:  # torch is loaded when a model is
    from worker.llm.local.model import LocalModel


@cache
def local_model(name: str, precision: Precision) -> "LocalModel":
    """A model on this machine, kept until `release`."""
    from worker.llm.local.model import LocalModel

    return LocalModel(name, precision=precision)


_ADAPTED = 4  # models with adapters that a process keeps; each is only as large as its adapter
_adapted: OrderedDict[tuple[str, str, str], "LocalModel"] = OrderedDict()


def _adapted_model(adapter_id: str, model: str, precision: Precision) -> "LocalModel":
    key = (adapter_id, model, precision)
    if key not in _adapted:
        with begin() as session:
            adapter = adapters.get(session, adapter_id)
            files = adapters.files(session, adapter.id)
        _adapted[key] = local_model(model, precision).adapted(files, trained_on=adapter.base_hash)
    _adapted.move_to_end(key)
    while len(_adapted) > _ADAPTED:
        _adapted.popitem(last=False)
    return _adapted[key]


def _endpoint_model(name: str, sample: int, batch: str) -> LanguageModel:
    """A model behind an endpoint, made anew each time: that costs nothing, and what is set for it may have changed."""
    from worker.llm.endpoint.model import PaidModel

    return PaidModel(name, sample, batch)


_KEPT = 4  # fitted techniques a process keeps; language models are shared among them and not counted
_fitted: OrderedDict[str, Technique] = OrderedDict()


def release() -> None:
    """Give back the memory of what this process keeps: a training needs it, in a process of its own. Whoever asks for
    it later waits until it is loaded again."""
    local_model.cache_clear()
    _adapted.clear()
    _fitted.clear()
    gc.collect()
    torch = sys.modules.get("torch")  # no GPU memory is held where nobody imported it
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


class LiveResources:
    """Resources for techniques that work on one dataset."""

    def __init__(self, dataset_id: int) -> None:
        self._dataset_id = dataset_id

    def index(self) -> Index:
        return PgIndex(self._dataset_id)

    def language_model(
        self, name: str, sample: int = 0, batch: str = "off", precision: Precision = "auto"
    ) -> LanguageModel:
        return _endpoint_model(name, sample, batch) if is_endpoint_model(name) else local_model(name, precision)

    def adapted_model(self, adapter: str, model: str, precision: Precision = "auto") -> "LocalModel":
        return _adapted_model(adapter, model, precision)

    def prompt(self, ref: str) -> PromptVersion:
        with begin() as session:
            return versions.resolve(session, ref)


def fitted(dataset: Dataset, spec: BaseSpec, fit_hash: str) -> Technique:
    """The technique of a spec, with what its fit step learned. Raises NotReady if it learns and that step never ran."""
    if fit_hash in _fitted:
        _fitted.move_to_end(fit_hash)
        return _fitted[fit_hash]
    technique = build(spec, LiveResources(dataset.id))
    if spec.learns:
        with begin() as session:
            artifact = artifacts.get(session, fit_hash)
        if artifact is None:
            raise NotReady("What this technique had learned is gone; start the job again.")
        technique.load(artifact)
    _fitted[fit_hash] = technique
    while len(_fitted) > _KEPT:
        _fitted.popitem(last=False)
    return technique
