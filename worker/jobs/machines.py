"""The kind of machine that a technique's own work is done on."""

from db import workers
from db.engine import Session
from db.types import Queue
from worker.specs import BaseSpec, members_of


def machine_queue(session: Session, spec: BaseSpec) -> Queue:
    """Models on this machine go to a GPU where a worker has one; everything else to the CPU."""
    uses_llm = any(each.uses_llm and not each.uses_endpoint for each in (spec, *members_of(spec)))
    return Queue.GPU if uses_llm and workers.serves(session, Queue.GPU) else Queue.CPU
