"""One fine-tune on the accelerated clock: its files are checked, its loss falls, a model comes out."""

import json
import math
from dataclasses import dataclass, field
from typing import Any

from tests.fake_openai.brain import pieces
from tests.fake_openai.settings import Model, Tuning
from tests.fake_openai.wire import new_id

FEWEST_LINES = 10
_DONE = ("succeeded", "failed", "cancelled")
_ROLES = {"system", "user", "assistant"}


@dataclass(slots=True)
class Job:
    """`created` and the marks are on the server's clock, in seconds since the epoch."""

    id: str
    base: Model
    training_file: str
    validation_file: str | None
    epochs: int
    suffix: str
    metadata: dict[str, str] | None
    seed: int
    created: float
    plan: Tuning  # as it was when the job was made
    lines: int
    tokens: int  # of one epoch
    wrong: str  # what the check of the files finds; "" = nothing
    status: str = "validating_files"
    finished: float | None = None
    events: list[dict[str, Any]] = field(default_factory=list)  # oldest first
    told: int = 0  # steps whose loss was told

    @property
    def model(self) -> str:
        return f"ft:{self.base.id}:tests:{self.suffix}:{self.id[-8:]}"

    def moved(self, now: float) -> None:
        """Brings the job to where it is at `now`."""
        plan = self.plan
        began = self.created + plan.validating
        if self.status in _DONE or now < began:
            return
        if self.status == "validating_files":
            if self.wrong:
                self._say(began, f"The job failed due to an invalid training file. {self.wrong}", level="error")
                self._end("failed", began)
                return
            self._say(began, "Files validated, moving job to queued state")
            self._say(began, "Fine-tuning job started")
            self.status = "running"
        share = min(1.0, (now - began) / plan.running) if plan.running else 1.0
        reached = math.floor(share * self.plan.steps)
        if plan.fail is not None:
            reached = min(reached, self.plan.steps // 2)
        for step in range(self.told + 1, reached + 1):
            self._loss(step, began + plan.running * step / self.plan.steps)
        self.told = max(self.told, reached)
        if share < 1:
            return
        if plan.fail is not None:
            self._say(now, f"The job failed. {plan.fail}", level="error")
            self._end("failed", began + plan.running)
            return
        self._say(began + plan.running, f"New fine-tuned model created: {self.model}")
        self._say(began + plan.running, "The job has successfully completed")
        self._end("succeeded", began + plan.running)

    def cancel(self, now: float) -> bool:
        """False once the job has ended."""
        if self.status in _DONE:
            return False
        self._say(now, "Fine-tuning job cancelled")
        self._end("cancelled", now)
        return True

    def _end(self, status: str, when: float) -> None:
        self.status, self.finished = status, when

    def _loss(self, step: int, when: float) -> None:
        loss = 0.4 + 2.0 * math.exp(-4 * step / self.plan.steps)
        data = {
            "step": step,
            "total_steps": self.plan.steps,
            "train_loss": loss,
            "train_mean_token_accuracy": 1 - loss / 3,
        }
        if self.validation_file:
            data |= {"valid_loss": loss + 0.1, "valid_mean_token_accuracy": 1 - (loss + 0.1) / 3}
        message = f"Step {step}/{self.plan.steps}: training loss={loss:.2f}"
        self._say(when, message, type="metrics", data=data)

    def _say(self, when: float, message: str, **more: Any) -> None:
        event = {"id": new_id("ftevent-"), "object": "fine_tuning.job.event", "created_at": int(when), "level": "info"}
        self.events.append({**event, "message": message, "type": "message", "data": {}, **more})

    def created_event(self) -> None:
        self._say(self.created, f"Created fine-tuning job: {self.id}")
        self._say(self.created, f"Validating training file: {self.training_file}")

    def shown(self) -> dict[str, Any]:
        """The fine_tuning.job object of the protocol."""
        has_ended, succeeded = self.status in _DONE, self.status == "succeeded"
        told = {"code": "invalid_training_file" if self.wrong else "server_error", "param": "training_file"}
        error = {**told, "message": self.wrong or self.plan.fail} if self.status == "failed" else {}
        hyperparameters = {"n_epochs": self.epochs, "batch_size": 1, "learning_rate_multiplier": 1.0}
        return {
            "id": self.id,
            "object": "fine_tuning.job",
            "created_at": int(self.created),
            "finished_at": int(self.finished) if has_ended and self.finished else None,
            "model": self.base.id,
            "fine_tuned_model": self.model if succeeded else None,
            "organization_id": "org-tests",
            "status": self.status,
            "training_file": self.training_file,
            "validation_file": self.validation_file,
            "hyperparameters": hyperparameters,
            "method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
            "trained_tokens": self.tokens * self.epochs if succeeded else None,
            "error": error,
            "result_files": [],
            "seed": self.seed,
            "estimated_finish": None,
            "integrations": [],
            "metadata": self.metadata,
            "user_provided_suffix": self.suffix,
        }


def read_chats(content: bytes) -> tuple[int, int, str]:
    """How many chats a JSONL file has, their tokens, and what is wrong with it ("" = nothing)."""
    tokens = count = 0
    for number, raw in enumerate(content.splitlines(), 1):
        try:
            messages = json.loads(raw)["messages"]
        except (ValueError, KeyError, TypeError):
            return count, tokens, f"Invalid file format. Line {number} is no object with 'messages'."
        fits = isinstance(messages, list) and all(
            isinstance(said, dict) and said.get("role") in _ROLES and isinstance(said.get("content"), str)
            for said in messages
        )
        if not fits or not messages or messages[-1]["role"] != "assistant" or not messages[-1]["content"]:
            return count, tokens, f"Invalid file format. Line {number} must end with what the assistant says."
        tokens += sum(len(pieces(said["content"])) for said in messages)
        count += 1
    if count < FEWEST_LINES:
        return count, tokens, f"Training file has {count} example(s), but must have at least {FEWEST_LINES} examples."
    return count, tokens, ""
