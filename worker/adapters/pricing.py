"""What an adapter decides about a pricing job: a spec that names one gets everything it was trained with."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeGuard

from db import adapters, datasets
from db.engine import Session
from db.errors import NotReady, UserError
from db.types import Adapter, Dataset, Job
from worker.specs import BaseSpec, FinetunedSpec, HiddenBoostingSpec, members_of
from worker.specs.finetune import TrainSpec, asking
from worker.specs.forms import FORMS


def fill(session: Session, spec: BaseSpec) -> BaseSpec:
    """A FinetunedSpec with its adapter's whole number, model and settings, so that a job records everything; one that
    reads an adapter's hidden states with its number and model; every other spec as it is.

    Raises NotReady without an adapter, NotFound for one that is not there, UserError for settings against it.
    """
    if isinstance(spec, HiddenBoostingSpec) and spec.adapter:
        read = adapters.get(session, spec.adapter)
        return spec.model_copy(update={"adapter": read.id, "model": read.model})
    if not isinstance(spec, FinetunedSpec):
        return spec
    adapter = _chosen(session, spec.adapter)
    decided = _decided(adapter)
    for name, value in decided.items():
        field = FinetunedSpec.model_fields[name]
        if getattr(spec, name) not in (field.default, value):
            raise UserError(
                f"{field.title}: the adapter {adapter.id[:8]} was trained with {value!r} and reads nothing else well; "
                "leave this setting out."
            )
    if spec.readout in FORMS[adapter.form].unread:
        raise UserError(
            f"The adapter {adapter.id[:8]} says {adapter.form}, so {spec.readout} can't be read from it; choose auto, "
            "median, log-mean or mean."
        )
    if adapter.spec.get("quantisation") == "nf4" and spec.precision == "auto":
        decided["precision"] = "nf4"  # the weights that it was trained on and measured with
    return spec.model_copy(update={"adapter": adapter.id, **decided})


def check(session: Session, spec: BaseSpec, source: Dataset) -> None:
    """Check that an adapter says prices in the currency of the table that is priced or learned from. Raises
    UserError."""
    if not isinstance(spec, FinetunedSpec) or not spec.adapter:
        return
    adapter = adapters.get(session, spec.adapter)
    currency = _currency(session, adapter)
    if currency and source.currency not in ("", currency) and adapter.dataset_id != source.id:
        raise UserError(
            f"The adapter {adapter.id[:8]} learned to say prices in {currency}, and those of {source.name} are in "
            f"{source.currency}: choose one that learned from such prices, or train one."
        )


def _currency(session: Session, adapter: Adapter) -> str:
    """The code of the prices that an adapter learned to say; "" where nobody knows it."""
    if said := str(adapter.spec.get("currency", "")):
        return said
    # Of dollars a spec says nothing, as of prices in a currency that nobody knows.
    table = None if adapter.dataset_id is None else datasets.get(session, adapter.dataset_id)
    return "USD" if table is not None and table.currency == "USD" else ""


def training_cost(session: Session, spec: BaseSpec) -> tuple[float, Decimal]:
    """Seconds and dollars that its adapter took, or those of its members, each once: part of the fixed cost of every
    job that prices with it, as a fit is, because the comparison would be unfair if only the fine-tune bore it."""
    used = [adapters.get(session, adapter_id) for adapter_id in sorted(adapters_of(spec.model_dump(mode="json")))]
    return sum(adapter.seconds for adapter in used), sum((adapter.usd for adapter in used), start=Decimal(0))


def knows_training_cost(session: Session, spec: BaseSpec) -> bool:
    """Whether `training_cost` is all of it."""
    used = adapters_of(spec.model_dump(mode="json"))
    return not used or not used & unknown_costs(session)


def unknown_costs(session: Session) -> frozenset[str]:
    """Adapters of which nobody knows what their training cost: the fixed cost of jobs that price with them is not
    what is booked, but unknown."""
    return frozenset(each.id for each in adapters.all(session) if each.metrics.get("cost_unknown"))


def fixed_usd(session: Session, jobs: Sequence[Job]) -> list[Decimal | None]:
    """What each job cost once, its adapter's training included; None: nobody knows what that or its fit took."""
    used = [adapters_of(job.spec) for job in jobs]
    unknown = unknown_costs(session) if any(used) else frozenset()
    return [
        None if job.fixed_unknown or each & unknown else job.fixed_usd for each, job in zip(used, jobs, strict=True)
    ]


def adapters_of(spec: Mapping[str, Any]) -> set[str]:
    """The numbers of the adapters that a stored spec prices with: its own, or its members'."""
    own = {str(spec["adapter"])} if spec.get("adapter") else set()
    return own.union(*(adapters_of(member) for member in spec.get("members", ())))


def caution(session: Session, spec: BaseSpec, dataset: Dataset, source: Dataset | None = None) -> str:
    """A sentence where an adapter may have seen the rows it is to be measured on; else "". Of the `source` that a job
    learns from, the job itself looks for copies of its rows."""
    if members := members_of(spec):
        return " ".join(filter(None, dict.fromkeys(caution(session, member, dataset, source) for member in members)))
    if not _reads_adapter(spec):
        return ""
    adapter = adapters.get(session, spec.adapter)
    if adapter.dataset_id in (dataset.id, (source or dataset).id):
        return ""
    return (
        f"The adapter learned from {adapter.dataset_name}: rows that both tables have may be among its examples, and "
        "its errors on them would look too small."
    )


def _reads_adapter(spec: BaseSpec) -> TypeGuard[FinetunedSpec | HiddenBoostingSpec]:
    return isinstance(spec, FinetunedSpec | HiddenBoostingSpec) and bool(spec.adapter)


def _chosen(session: Session, ref: str) -> Adapter:
    if ref:
        return adapters.get(session, ref)
    there = adapters.all(session)
    if not there:
        raise NotReady("There is no adapter yet: train one on the Fine-tune page, then choose it here.")
    newest = there[0]
    raise NotReady(
        f"Choose an adapter: the newest is {newest.id[:8]} ({newest.base}, learned from {newest.dataset_name}); the "
        "Adapters page lists them all."
    )


def _decided(adapter: Adapter) -> dict[str, object]:
    """The value of each field in FinetunedSpec.filled."""
    spec = asking(TrainSpec.model_validate(adapter.spec))
    return {name: getattr(spec, name) for name in FinetunedSpec.filled} | {"model": adapter.model}
