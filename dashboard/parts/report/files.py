"""The table of files that a report can be taken away in, for pages and the command line alike."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboard.parts.report import facts as report_facts
from dashboard.parts.report.content import Section
from dashboard.parts.report.facts import Facts
from dashboard.parts.report.html_file import to_html
from dashboard.parts.report.sections import sections
from dashboard.parts.report.xlsx_file import to_xlsx
from dashboard.shared import drawing
from db.errors import UserError
from worker import amounts
from worker.evaluation.choice import Limits


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file."""

    label: str  # on the button that downloads it
    mime: str
    bytes_of: Callable[[Facts, Sequence[Section]], bytes]


FORMATS: dict[str, Format] = {
    ".html": Format("Web page (HTML)", "text/html", to_html),
    ".xlsx": Format("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", to_xlsx),
}
"""Ending of a file's name -> how it is written, in the order in which pages offer them."""


def made(job_ids: Sequence[int], measure: str, limits: Limits, ending: str, *, weighted: bool = True) -> bytes:
    """The report of finished jobs of one dataset as a file; weighted: by its column of weights, if any. Raises NotReady
    without anything to compare."""
    with report_facts.priced_as(job_ids):
        known = report_facts.gather(job_ids, measure, limits, weighted=weighted)
        return FORMATS[ending].bytes_of(known, sections(known))


def check(files: Sequence[Path], charts: Path | None) -> None:
    """Raises UserError for files that `save` can't make; to be asked before the work that ends in them."""
    for file in files:
        if file.suffix.lower() not in FORMATS:
            raise UserError(f"{file.name}: choose a name that ends in {amounts.listed(sorted(FORMATS), 'or')}.")
        if not file.parent.is_dir():
            raise UserError(f"There is no folder {file.parent}; make it, or choose another place for {file.name}.")
        if file.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK):
            raise UserError(f"{file} can't be written; choose another place.")
    if charts is not None and charts.exists() and not charts.is_dir():
        raise UserError(f"{charts} is a file; --charts wants a folder.")


def save(
    job_ids: Sequence[int],
    measure: str,
    limits: Limits,
    files: Sequence[Path],
    charts: Path | None,
    *,
    weighted: bool = True,
) -> list[Path]:
    """Write the report into each file, by its ending, and each of its charts as SVG and PNG into a folder, which is
    made where it is not there; the paths of all that was written. Raises UserError for what can't be."""
    check(files, charts)
    with report_facts.priced_as(job_ids):
        known = report_facts.gather(job_ids, measure, limits, weighted=weighted)
        parts = sections(known)
        for file in files:
            file.write_bytes(FORMATS[file.suffix.lower()].bytes_of(known, parts))
    written = list(files)
    if charts is not None:
        charts.mkdir(parents=True, exist_ok=True)
        for figure in (figure for part in parts for figure in part.figures):
            drawn = {".svg": drawing.svg(figure.chart).encode(), ".png": drawing.png(figure.chart)}
            for ending, data in drawn.items():
                written.append(charts / f"{figure.name}{ending}")
                written[-1].write_bytes(data)
    return written
