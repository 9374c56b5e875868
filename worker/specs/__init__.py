"""The specs of all techniques: one frozen model each, the table of them, and how they are read and described."""

from worker.specs.base import ENDPOINT_ONLY, BaseSpec, Seconds, asked_fields, describe, is_endpoint_model, model_name
from worker.specs.llm import ENDPOINT_VALIDATION, FROM_TRAIN, MODELS, LlmSpec, describe_bounds
from worker.specs.registry import SPECS, defaults, parse, variants
from worker.specs.techniques import (
    BoostingSpec,
    ChainedSpec,
    ConstantSpec,
    FinetunedSpec,
    HiddenBoostingSpec,
    LightGBMSpec,
    MultiShotSpec,
    NeighboursSpec,
    RagSpec,
    RetrievalSpec,
    RidgeSpec,
    SparseMlpSpec,
    ToolsSpec,
    ZeroShotSpec,
)

__all__ = [
    "ENDPOINT_ONLY",
    "ENDPOINT_VALIDATION",
    "FROM_TRAIN",
    "MODELS",
    "SPECS",
    "BaseSpec",
    "BoostingSpec",
    "ChainedSpec",
    "ConstantSpec",
    "FinetunedSpec",
    "HiddenBoostingSpec",
    "LightGBMSpec",
    "LlmSpec",
    "MultiShotSpec",
    "NeighboursSpec",
    "RagSpec",
    "RetrievalSpec",
    "RidgeSpec",
    "Seconds",
    "SparseMlpSpec",
    "ToolsSpec",
    "ZeroShotSpec",
    "asked_fields",
    "defaults",
    "describe",
    "describe_bounds",
    "is_endpoint_model",
    "model_name",
    "parse",
    "variants",
]
