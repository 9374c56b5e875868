"""The tables. Postgres is the only place where the truth lives; the broker and the files folder can be lost."""

from db.models.adapters import AdapterChangeRow, AdapterFileRow, AdapterRow, CheckpointRow, TrainingPointRow
from db.models.audit import AuditRow, SpendingRow
from db.models.base import Base
from db.models.comparisons import ComparisonRow
from db.models.datasets import DatasetRow, ItemRow, RejectRow
from db.models.endpoints import BatchRow, CompletionRow, CompletionUseRow, EndpointKeyRow, EndpointRow, PromptRow
from db.models.events import EventRow
from db.models.guesses import GameRow, GuessRow
from db.models.jobs import ArtifactRow, ChunkRow, JobRow, PredictionRow, RateRow, ResultRow, WorkerRow
from db.models.knowledge import KnowledgeBaseRow, KnowledgeItemRow, KnowledgeRemovedRow, QueryVectorRow
from db.models.people import TokenRow
from db.models.price_decisions import PriceDecisionRow
from db.models.pricers import PricerBatchRow, PricerChangeRow, PricerRow
from db.models.saved_verdicts import SavedVerdictRow
from db.models.scenarios import ScenarioRow

__all__ = [
    "AdapterChangeRow",
    "AdapterFileRow",
    "AdapterRow",
    "ArtifactRow",
    "AuditRow",
    "Base",
    "BatchRow",
    "CheckpointRow",
    "ChunkRow",
    "ComparisonRow",
    "CompletionRow",
    "CompletionUseRow",
    "DatasetRow",
    "EndpointKeyRow",
    "EndpointRow",
    "EventRow",
    "GameRow",
    "GuessRow",
    "ItemRow",
    "JobRow",
    "KnowledgeBaseRow",
    "KnowledgeItemRow",
    "KnowledgeRemovedRow",
    "PredictionRow",
    "PriceDecisionRow",
    "PricerBatchRow",
    "PricerChangeRow",
    "PricerRow",
    "PromptRow",
    "QueryVectorRow",
    "RateRow",
    "RejectRow",
    "ResultRow",
    "SavedVerdictRow",
    "ScenarioRow",
    "SpendingRow",
    "TokenRow",
    "TrainingPointRow",
    "WorkerRow",
]
