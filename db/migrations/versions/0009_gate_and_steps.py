"""Steps with names of their own: the gate, which was "guard", and a training behind an endpoint, which was "train".

Chunks remember their step's place among all steps. The new step moves those behind it, so that a chunk which is added
to an old job later (a retry of failed rows) still comes before the job's measuring.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OLD = (
    *("inspect", "load", "search", "index", "pilot", "train", "guard"),
    *("rung", "forecast", "fit", "price", "evaluate"),
)
NEW = (
    *("inspect", "load", "search", "index", "pilot", "train", "tune", "gate"),
    *("rung", "forecast", "fit", "price", "evaluate"),
)


def upgrade() -> None:
    op.execute("UPDATE jobs SET kind = 'gate' WHERE kind = 'guard'")
    op.execute("UPDATE chunks SET step = 'gate' WHERE step = 'guard'")
    op.execute(
        """UPDATE chunks c SET step = 'tune' FROM jobs j
           WHERE j.id = c.job_id AND j.kind = 'finetune' AND j.queue = 'hosted' AND c.step = 'train'"""
    )
    _number(NEW)
    op.alter_column("adapters", "forgetting", new_column_name="gate_report")
    _rename_key("forgetting", "gate_report")


def downgrade() -> None:
    _rename_key("gate_report", "forgetting")
    op.alter_column("adapters", "gate_report", new_column_name="forgetting")
    op.execute("UPDATE chunks SET step = 'train' WHERE step = 'tune'")
    op.execute("UPDATE chunks SET step = 'guard' WHERE step = 'gate'")
    op.execute("UPDATE jobs SET kind = 'guard' WHERE kind = 'gate'")
    _number(OLD)


def _number(steps: Sequence[str]) -> None:
    """Write each chunk's place anew, from the order of all steps; those that keep theirs are not touched."""
    op.get_bind().execute(
        sa.text(
            """UPDATE chunks SET step_order = array_position(:steps ::text[], step) - 1
               WHERE step_order <> array_position(:steps ::text[], step) - 1"""
        ),
        {"steps": list(steps)},
    )


def _rename_key(before: str, after: str) -> None:
    """Of the report among the results of fine-tunes and of gate jobs."""
    op.get_bind().execute(
        sa.text(
            """UPDATE results SET metrics = metrics - :before || jsonb_build_object(:after ::text, metrics -> :before)
               WHERE metrics ? :before"""
        ),
        {"before": before, "after": after},
    )
