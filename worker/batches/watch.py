"""The watch over a folder: each new file is taken once, by its content, and goes through the stages of a batch."""

import fcntl
import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from db import pricer_batches
from db.engine import DatabaseAway, begin
from db.errors import UserError
from db.settings import settings
from db.types import BatchState, PricerBatch
from worker import amounts
from worker.batches import stages
from worker.batches.folder import Arrived, Folder, aside_place
from worker.pricers import actions as pricers

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Batches under way at a time: enough to keep workers busy, few enough that others get their turn between them."""
_TRIES = 3  # of a batch that something went wrong with on our side

Tell = Callable[[str, PricerBatch | None], None]
"""Told a sentence, and the batch that it is about."""


class Watch:
    """Prices the files of one folder with the pricer of one name, as long as somebody calls `turn`."""

    def __init__(self, name: str, inbox: Path, out: Path, tell: Tell) -> None:
        self.name, self.inbox, self.out = name, inbox.resolve(), out.resolve()
        self._tell = tell
        self._folder = Folder(self.inbox, settings().watch_seconds)
        self._handled: set[Arrived] = set()
        self._refused: set[Path] = set()
        self._waits: dict[int, str] = {}
        self._tries: dict[int, int] = {}

    def check(self) -> None:
        """Raises UserError where this can't be watched: to be asked before it is begun."""
        if not self.inbox.is_dir():
            raise UserError(f"There is no folder {self.inbox} to watch.")
        if self.inbox == self.out:
            raise UserError("Choose another folder for priced files than the watched one, or they would be priced too.")
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"The folder {self.out} can't be made ({error.strerror}).") from error
        pricers.named(self.name)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others from watching the same folder for the same pricer; the kernel lets go when we end. Raises
        UserError while another one does."""
        place = hashlib.sha256(f"{self.name} {self.inbox}".encode()).hexdigest()[:16]
        with (settings().home / f"watch-{place}.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(f"{self.inbox} is watched for {self.name} already.") from error
            self._lock = Path(file.name)
            yield

    def turn(self) -> bool:
        """Do all that can be done now; whether something is under way. Raises UserError where the folder is gone."""
        self._lock.touch()  # that it moves is how others see that we are alive
        arrived = list(self._folder.arrived())
        self._handled &= set(arrived)
        self._refused &= set(self._folder.refused)
        for path in set(self._folder.refused) - self._refused:
            self._refused.add(path)
            why = self._folder.refused[path]
            self._tell(f"{path.name} can't be read ({why}); it is left alone until it can.", None)
        with begin() as session:
            unfinished = pricer_batches.unfinished(session, self.name, str(self.inbox))
        moving = 0
        for batch in unfinished:
            moving += self._advance(batch, arrived)
        for file in arrived:
            if file not in self._handled and moving < AT_ONCE and file.path.exists():
                moving += self._meet(file)
        return bool(moving) or not self._folder.is_empty_handed() or any(file not in self._handled for file in arrived)

    def _advance(self, batch: PricerBatch, arrived: list[Arrived]) -> bool:
        """One batch further; whether it is still under way."""
        try:
            if batch.state is not BatchState.ASIDE:
                before, batch = batch, stages.advance(batch, self.out)
                self._waits.pop(batch.id, None)
                if batch.state is BatchState.PRICED:
                    self._tell(priced(batch), batch)
                if batch.state is not BatchState.ASIDE:
                    return batch.finished_at is None and before.finished_at is None
            return not self._lay_aside(batch, arrived)
        except stages.Waits as reason:
            self._once(batch, str(reason))
        except OSError as error:
            self._once(batch, f"{batch.file_name} has to wait: {error.filename or self.out}: {error.strerror}.")
        except DatabaseAway:
            raise
        except Exception as error:
            log.exception("Batch %s failed.", batch.id)
            self._tries[batch.id] = self._tries.get(batch.id, 0) + 1
            if self._tries[batch.id] >= _TRIES:
                with suppress(UserError):
                    stages.refuse(batch, f"Something went wrong on our side ({type(error).__name__}); see the log.")
        return True

    def _lay_aside(self, batch: PricerBatch, arrived: list[Arrived]) -> bool:
        same = [file for file in arrived if file.sha256 == batch.file_sha256]
        file = next((each for each in same if each.name == batch.file_name), None)
        if file is None and not self._folder.is_empty_handed():
            return False  # it may lie in the folder and not be read yet
        lies = stages.lay_aside(batch, file.path if file else None, self.out)
        self._handled -= set(same)
        self._tell(f"{batch.file_name} lies aside ({lies}): {batch.error}", batch)
        return True

    def _once(self, batch: PricerBatch, sentence: str) -> None:
        if self._waits.get(batch.id) != sentence:
            self._waits[batch.id] = sentence
            self._tell(sentence, batch)

    def _meet(self, file: Arrived) -> bool:
        """Take a file unless its content was taken before; whether that began a batch."""
        with begin() as session:
            before = pricer_batches.taken(session, self.name, file.sha256)
        try:
            if before is None:
                batch = stages.take(self.name, self.inbox, file)
            elif self._is_back(before):
                batch = stages.take_again(before, self.inbox, file)
            else:
                batch = None
                if before.finished_at is None and before.folder != str(self.inbox):
                    return False
                if before.file_name != file.name or before.state is BatchState.ASIDE:
                    self._tell(known(before, file.name), before)
                self._handled.add(file)
        except OSError as error:
            self._tell(f"{file.name} can't be read ({error.strerror}).", None)
            self._handled.add(file)
            return False
        if batch:
            self._handled.add(file)
            self._tell(f"{file.name} is taken as batch {batch.id}.", batch)
        return batch is not None

    def _is_back(self, batch: PricerBatch) -> bool:
        """Whether the file of a batch that lay aside was moved back into the folder."""
        if batch.state is not BatchState.ASIDE or batch.finished_at is None:
            return False
        return not aside_place(self.out, batch.file_name, batch.file_sha256, batch.id).exists()


def priced(batch: PricerBatch) -> str:
    """That a batch is priced, with what a person has to do."""
    flagged = f", {batch.flagged:,} for a person" if batch.flagged else ""
    rejects = f", {amounts.count(batch.rejects, 'line')} that can't be read" if batch.rejects else ""
    cost = "at an unknown cost" if batch.usd is None else f"for {amounts.usd(float(batch.usd))}"
    return f"{batch.file_name} is priced: {amounts.count(batch.rows, 'row')}{flagged}{rejects}, {cost}: {batch.target}"


def known(batch: PricerBatch, name: str) -> str:
    """That the content of a file was taken before."""
    if batch.state is BatchState.ASIDE:
        return (
            f"{name} holds what lies aside already (batch {batch.id}): {batch.error} To have it tried again, move it "
            "from there into the folder instead of copying it."
        )
    return f"{name} holds the same as {batch.file_name}, which was taken already (batch {batch.id}); it is left alone."
