"""The Audit page: who did what to what, when, from where, with what money."""

from dashboard.parts.audit import table
from dashboard.shared import widgets

widgets.title(
    "Audit",
    "Whatever somebody changes is noted here, and nobody can change or delete a note. Admins see what everybody did, "
    "everybody else what she did herself.",
)
table.show(table.filters())
