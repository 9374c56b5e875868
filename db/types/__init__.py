"""The nouns every room shares: enums, frozen values and the columns of the frames that travel."""

from db.types.adapters import Adapter, AdapterChange, AdapterState, Checkpoint, TrainingPoint
from db.types.datasets import Changes, Dataset, DatasetState, MadeBy
from db.types.endpoints import Batch, Endpoint, EndpointModel, PromptVersion, Tariff
from db.types.frames import FOUND_SCHEMA, ITEM_SCHEMA, PREDICTION_SCHEMA, Family, PredictionStatus, Split
from db.types.jobs import Artifact, Chunk, Job, JobKind, JobState, Priority, Queue, Step
from db.types.knowledge import NO_LIMITS, Freshness, KnowledgeBase, PriceStats, SearchLimits
from db.types.people import Person, Role, Token
from db.types.pricers import BatchState, Pricer, PricerBatch, PricerChange, PricerState
from db.types.verbs import RULES, Rule, Verb
from db.types.verdicts import Game, SavedScenario, SavedVerdict

__all__ = [
    "FOUND_SCHEMA",
    "ITEM_SCHEMA",
    "NO_LIMITS",
    "PREDICTION_SCHEMA",
    "RULES",
    "Adapter",
    "AdapterChange",
    "AdapterState",
    "Artifact",
    "Batch",
    "BatchState",
    "Changes",
    "Checkpoint",
    "Chunk",
    "Dataset",
    "DatasetState",
    "Endpoint",
    "EndpointModel",
    "Family",
    "Freshness",
    "Game",
    "Job",
    "JobKind",
    "JobState",
    "KnowledgeBase",
    "MadeBy",
    "Person",
    "PredictionStatus",
    "PriceStats",
    "Pricer",
    "PricerBatch",
    "PricerChange",
    "PricerState",
    "Priority",
    "PromptVersion",
    "Queue",
    "Role",
    "Rule",
    "SavedScenario",
    "SavedVerdict",
    "SearchLimits",
    "Split",
    "Step",
    "Tariff",
    "Token",
    "TrainingPoint",
    "Verb",
]
