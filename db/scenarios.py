"""Scenarios that people kept by name: suppositions, never measurements."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.errors import NotFound
from db.models import ScenarioRow
from db.types import SavedScenario


def _value(row: ScenarioRow) -> SavedScenario:
    return SavedScenario(row.id, row.dataset_id, row.name, row.settings, row.created_at, row.owner)


def put(session: Session, dataset_id: int, name: str, settings: dict[str, Any]) -> SavedScenario:
    """Keep a scenario of a dataset; one of that name is written over and keeps its id."""
    statement = insert(ScenarioRow).values(dataset_id=dataset_id, name=name, settings=settings)
    statement = statement.on_conflict_do_update(
        index_elements=["dataset_id", "name"], set_={"settings": statement.excluded.settings}
    )
    session.execute(statement)
    return named(session, dataset_id, name)


def all(session: Session, dataset_id: int) -> list[SavedScenario]:  # noqa: A001 - read as scenarios.all
    """Every scenario of a dataset, by name."""
    query = select(ScenarioRow).where(ScenarioRow.dataset_id == dataset_id).order_by(ScenarioRow.name)
    return [_value(row) for row in session.scalars(query)]


def named(session: Session, dataset_id: int, name: str) -> SavedScenario:
    """The scenario of a dataset with this name. Raises NotFound."""
    query = select(ScenarioRow).where(ScenarioRow.dataset_id == dataset_id, ScenarioRow.name == name)
    row = session.scalars(query.execution_options(populate_existing=True)).first()
    if row is None:
        known = ", ".join(each.name for each in all(session, dataset_id)) or "none yet"
        raise NotFound(f"There is no scenario {name!r}; there are: {known}.")
    return _value(row)


def get(session: Session, scenario_id: int) -> SavedScenario:
    """The scenario with this number. Raises NotFound."""
    return _value(_row(session, scenario_id))


def delete(session: Session, scenario_id: int) -> None:
    """Forget a scenario. Raises NotFound."""
    session.delete(_row(session, scenario_id))
    session.flush()


def _row(session: Session, scenario_id: int) -> ScenarioRow:
    row = session.get(ScenarioRow, scenario_id)
    if row is None:
        raise NotFound(f"There is no scenario {scenario_id}; perhaps it was deleted before.")
    return row
