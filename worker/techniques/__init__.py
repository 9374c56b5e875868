"""The registry: technique name -> where its class lives. Classes are imported late, so that naming one is cheap."""

from importlib import import_module

from worker.specs import BaseSpec
from worker.techniques.base import Resources, Technique

REGISTRY = {
    "constant": "worker.techniques.constant:Constant",
    "ridge": "worker.techniques.ridge:Ridge",
    "lightgbm": "worker.techniques.lightgbm:LightGBM",
    "neighbours": "worker.techniques.neighbours:Neighbours",
    "zero-shot": "worker.techniques.zero_shot:ZeroShot",
    "multi-shot": "worker.techniques.multi_shot:MultiShot",
    "chained": "worker.techniques.chained:Chained",
    "tools": "worker.techniques.tools:Tools",
    "rag": "worker.techniques.rag:Rag",
    "finetuned": "worker.techniques.finetuned:Finetuned",
}


def build(spec: BaseSpec, resources: Resources) -> Technique:
    """The technique that a spec describes, not yet fitted."""
    module, name = REGISTRY[spec.technique].split(":")  # type: ignore[attr-defined]
    technique: Technique = getattr(import_module(module), name)(spec, resources)
    return technique
