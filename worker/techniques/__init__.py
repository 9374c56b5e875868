"""What prices: one file per technique, found through its spec and imported late, so that naming one is cheap."""

from importlib import import_module

from worker.specs import BaseSpec
from worker.techniques.base import Resources, Technique


def build(spec: BaseSpec, resources: Resources) -> Technique:
    """The technique that a spec describes (worker/specs/registry.py), not yet fitted."""
    module, name = spec.made_by.split(":")
    technique: Technique = getattr(import_module(module), name)(spec, resources)
    return technique
