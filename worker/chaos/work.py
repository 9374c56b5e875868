"""The work that goes on under faults, one job of each kind at a time, each held to what is known of its answers."""

import io
import itertools
import random
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from db import adapters, chaos, datasets, endpoints, jobs
from db.engine import DatabaseAway, begin
from db.errors import NotFound, UserError, WrongState
from db.types import DatasetState, Job, JobState
from worker.chaos.endpoint import MODEL, USD_PER_MILLION, KnownEndpoint, known_price
from worker.chaos.stack import Stack, patiently
from worker.datasets import actions as datasets_actions
from worker.endpoints import actions as endpoints_actions
from worker.finetune import actions as finetune_actions
from worker.jobs import actions as jobs_actions
from worker.pricing import actions as pricing_actions
from worker.specs import finetune, parse

ENDPOINT = "known"
PRICED_SHARE = 0.1  # of the rows of every table
CAP_SHARE = 0.5  # of what a capped job will cost; it is resumed without a cap
_numbers = itertools.count(1)


@dataclass
class Verdict:
    """What became of one job."""

    kind: str
    job_id: int
    rows: int
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    paid_twice: int = 0
    past_cap: bool = False
    wrong: int = 0  # answers that are not the known ones
    faults: set[str] = field(default_factory=set)
    note: str = ""


def table(number: int, rows: int, seed: int, *, priced: float = PRICED_SHARE) -> bytes:
    """A CSV of things that are called after the dataset's number and their own; a share of them has prices."""
    random_ = random.Random(f"{seed}-{number}")  # noqa: S311 - prices, no secret
    lines = ["title,category,price"]
    for row in range(rows):
        word = "".join(random_.choices("bcdfghklmnprstvz", k=9))
        price = random_.randint(5, 90) if row < rows * priced else ""
        lines.append(f"{word} thing {number}x{row} of sort {row % 3},sort {row % 3},{price}")
    return "\n".join(lines).encode()


class Work:
    """A course of work that begins anew when it has ended."""

    def __init__(self, stack: Stack, kind: str, seed: int) -> None:
        self.kind, self.faults = kind, set[str]()
        self._stack, self._seed = stack, seed
        self._course: Iterator[Verdict | None] | None = None

    @property
    def is_idle(self) -> bool:
        return self._course is None

    def step(self, *, may_start: bool) -> Verdict | None:
        """Goes one step further; the verdict when a job has ended."""
        if self._course is None:
            if not may_start:
                return None
            self.faults = set()
            self._course = self._go()
        verdict = next(self._course)
        if verdict is not None:
            self._course = None
            verdict.faults |= self.faults
        return verdict

    def _go(self) -> Iterator[Verdict | None]:
        raise NotImplementedError

    def _load(self, name: str, content: bytes) -> Generator[None, None, int | None]:
        """Uploads and loads; returns the dataset's id, or None where the file was refused."""
        dataset_id = patiently(lambda: datasets_actions.upload(name, io.BytesIO(content)))
        while True:
            dataset = self._stack.ask(lambda session: datasets.get(session, dataset_id))
            if dataset.state is DatasetState.INSPECTED:
                columns = {"title": "title", "price": "price", "category": "category"}
                with suppress(WrongState, DatabaseAway):
                    datasets_actions.load(dataset_id, columns)
            elif dataset.state is DatasetState.READY:
                return dataset_id
            elif dataset.state is DatasetState.FAILED:
                return None
            yield None

    def _job(self, job_id: int) -> Job | None:
        try:
            with begin() as session:
                return jobs.get(session, job_id)
        except DatabaseAway:
            return None


class Training(Work):
    """Fine-tunes a small model until it is an adapter; again and again."""

    def __init__(self, stack: Stack, model: Path, seed: int) -> None:
        super().__init__(stack, "fine-tune", seed)
        self._model = model

    def _go(self) -> Iterator[Verdict | None]:
        number = next(_numbers)
        content = table(number, 400, self._seed, priced=1.0)
        while (dataset_id := (yield from self._load(f"chaos {number}", content))) is None:
            pass
        given = {"model": str(self._model), "layers": 2, "evaluate_rows": 16, "max_price": 99, "epochs": 10.0}
        spec = finetune.parse(given | {"form": "quantiles", "learning_rate": 0.003})
        job_id = patiently(lambda: finetune_actions.start(dataset_id, spec))
        while not (job := self._job(job_id)) or not job.state.is_final:
            yield None
        trained = self._stack.ask(lambda session: [a for a in adapters.all(session) if a.job_id == job_id])
        yield Verdict(
            self.kind, job_id, 1, lost=int(len(trained) < 1), doubled=max(0, len(trained) - 1),
            note="" if job.state is JobState.DONE else f"{job.state}: {job.error}",
        )  # fmt: skip


class Pricing(Work):
    """Uploads a table, loads it, prices it, checks; again and again."""

    def __init__(
        self, stack: Stack, endpoint: KnownEndpoint, kind: str, spec: dict[str, object], rows: int, seed: int,
        *, capped: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(stack, kind, seed)
        self._endpoint, self._spec, self._rows, self._capped = endpoint, spec, rows, capped

    def _go(self) -> Iterator[Verdict | None]:
        number = next(_numbers)
        content = table(number, self._rows, self._seed)
        while (dataset_id := (yield from self._load(f"chaos {number}", content))) is None:
            pass  # its file was refused because its readers died
        # What the whole of it costs: what is asked is 8 letters a token, about 600 letters.
        cap = Decimal(str(round(CAP_SHARE * self._rows * 80 * USD_PER_MILLION / 1e6, 4))) if self._capped else None
        spec = parse(self._spec)
        job_id = patiently(lambda: pricing_actions.start(dataset_id, [spec], cap_usd=cap)[0])
        verdict = Verdict(self.kind, job_id, 0)
        while not (job := self._job(job_id)) or not job.state.is_final:
            if job and job.state is JobState.PAUSED:
                yield from self._while_paused(job, cap, str(number), verdict)
            yield None
        while self._stack.ask(lambda session: chaos.calls_out(session, job_id)):
            yield None
        self._check(job, str(number), verdict)
        yield verdict

    def _while_paused(self, job: Job, cap: Decimal | None, number: str, verdict: Verdict) -> Iterator[None]:
        """Waits until nothing is asked any more, looks at the bill, and resumes."""
        since = time.monotonic()
        while time.monotonic() - since < 120 and (
            self._stack.ask(lambda session: chaos.calls_out(session, job.id)) or not self._endpoint.is_at_rest
        ):
            yield None
        if cap is not None and job.cap_usd == cap:
            verdict.past_cap |= self._endpoint.bill.usd[number] > cap
        with_cap = Decimal(1_000) if "The cap of" in (job.error or "") else None
        try:
            jobs_actions.resume(job.id, cap_usd=with_cap)
        except (UserError, DatabaseAway) as error:
            verdict.note = str(error)

    def _check(self, job: Job, number: str, verdict: Verdict) -> None:
        found = self._stack.ask(lambda session: chaos.outcome(session, job.id))
        verdict.rows = max(found.asked, int(self._rows * (1 - PRICED_SHARE)))
        verdict.lost = verdict.rows - found.rows
        verdict.doubled = found.predictions - found.rows + found.chunk_rows_twice
        if job.state is not JobState.DONE:
            verdict.note = f"{job.state}: {job.error}"
        if verdict.kind == "cheap":
            return
        priced = self._stack.ask(lambda session: chaos.titles_and_prices(session, job.id))
        for title, price in priced:
            if price is None or abs(price - known_price(int(title.split(f"{number}x")[1].split()[0]))) > 0.5:
                verdict.wrong += 1
        verdict.paid_twice = self._endpoint.bill.twice(number)
        if job.spent_usd < self._endpoint.bill.usd[number]:
            verdict.note += f" billed {self._endpoint.bill.usd[number]:.6f}, booked {job.spent_usd:.6f}"


def prepare(endpoint: KnownEndpoint) -> None:
    """Makes the endpoint known to the stack, with its price."""

    def add() -> None:
        try:
            with begin() as session:
                endpoints.get(session, ENDPOINT)
        except NotFound:
            endpoints_actions.add(ENDPOINT, base_url=endpoint.base_url, max_concurrency=16, timeout_seconds=8)
        else:
            endpoints_actions.change(ENDPOINT, base_url=endpoint.base_url)
        endpoints_actions.set_price(
            ENDPOINT, MODEL, input=USD_PER_MILLION, output=USD_PER_MILLION, batch_input=USD_PER_MILLION,
            batch_output=USD_PER_MILLION,
        )  # fmt: skip

    patiently(add)
