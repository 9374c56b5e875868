"""Reports: what they say is what was measured, and what strangers wrote in them stays text."""

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import fastexcel
import polars as pl
import pytest
from sqlalchemy import text

from dashboard.parts.report import facts as report_facts
from dashboard.parts.report import files, sections
from dashboard.parts.report.facts import Facts
from dashboard.parts.report.html_file import to_html
from dashboard.parts.report.xlsx_file import to_xlsx
from dashboard.shared import verdicts
from db.engine import begin
from db.errors import NotReady
from tests.builders import a_dataset
from tests.dashboard.priced import a_finished_job, a_priced_dataset
from tests.databases import Emptied, use_database
from worker import specs
from worker.evaluation.choice import Limits
from worker.pricing import comparison

pytestmark = pytest.mark.slow

HOSTILE = "=1+1</title><script>alert(1)</script>\x02 & <img src=http://x.example onerror=alert(1)> \u202e\"'"
SEEN = "=1+1</title><script>alert(1)</script> & <img src=http://x.example onerror=alert(1)> \"'"
CATEGORY = "@Lamps </text><script>alert(2)</script>"
VOID = {"meta", "br", "img", "link", "input"}


@dataclass
class Made:
    facts: Facts
    rows: Sequence[dict[str, Any]]  # of the comparison, as the command line has them
    html: str
    xlsx: bytes


@pytest.fixture(scope="module")
def made(emptied: Emptied) -> Made:
    """Reports of six techniques on 40 test rows; the cost of one is unknown, and all that can be is hostile."""
    emptied.freshen()
    use_database(emptied.url)
    with begin() as session:
        dataset_id = a_dataset(session, 400, name=HOSTILE)
        job_ids = a_priced_dataset(session, dataset_id)
        session.execute(text("UPDATE items SET category = :name WHERE category = 'Lamps'"), {"name": CATEGORY})
        session.execute(text("UPDATE predictions SET usd = NULL WHERE job_id = :job"), {"job": job_ids[-1]})
    known = report_facts.gather(job_ids, "mae", Limits(error=50))
    parts = sections.sections(known)
    html, xlsx = to_html(known, parts).decode(), to_xlsx(known, parts)
    rows = comparison.of_jobs(job_ids)
    use_database("")
    return Made(known, rows, html, xlsx)


class Page(HTMLParser):
    """Every tag with its attributes, the text of every element, and the cells of every table by its caption."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "caption":
            self._rows = []
        if tag == "tr":
            self._rows.append([])
        if tag in ("td", "th"):
            self._rows[-1].append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "caption":
            self.tables[self.texts["caption"][-1]] = self._rows

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)
        if self._open and self._open[-1] in ("td", "th"):
            self._rows[-1][-1] += data


@pytest.fixture(scope="module")
def page(made: Made) -> Page:
    return Page(made.html)


def sheet(made: Made, name: str) -> pl.DataFrame:
    return fastexcel.read_excel(made.xlsx).load_sheet(name).to_polars()


def test_the_page_says_what_the_comparison_says(made: Made, page: Page) -> None:
    heads, *lines = page.tables["Errors"]
    assert len(lines) == len(made.rows) == 6
    for line, row in zip(lines, made.rows):
        told = dict(zip(heads, line))
        assert told["Technique"] == made.facts.names[row["job"]]
        assert told["Verdict"] == verdicts.VERDICTS[row["verdict"]]
        said = (told[name].removeprefix("$") for name in ("Mean error", "95 % interval from", "to"))
        assert [*said] == [f"{row[name]:.2f}" for name in ("mae", "mae_low", "mae_high")]
        assert told["Within 20 %"] == f"{row['within']:.0%}"
    ahead = made.facts.names[made.rows[0]["job"]]
    assert ahead in page.texts["strong"]
    assert any(
        said.startswith(f" {verb} on mean error") for said in page.texts["p"] for verb in ("is ahead", "is best")
    )


def test_an_unknown_cost_is_called_unknown_everywhere(made: Made, page: Page) -> None:
    heads, *lines = page.tables["Costs"]
    costs = {line[0]: line[heads.index("Per 1,000 items")] for line in lines}
    blind = "Prompt with examples"
    assert [name for name, cost in costs.items() if cost == "unknown"] == [blind]
    column = sheet(made, "Costs").filter(pl.col("Technique") == blind)["Per 1,000 items"]
    assert column.to_list() == ["unknown"]
    assert any("nobody told the price" in said for said in page.texts["p"])


def test_the_page_fetches_nothing_and_runs_nothing(made: Made, page: Page) -> None:
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "img", "iframe", "object", "image", "use"})
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in ("src", "srcset", "xlink:href", "action", "data")
            assert name != "href" or re.fullmatch(r"#s\d+", value or ""), (tag, value)
            assert "url(" not in (value or "") or re.fullmatch(r"url\(#[\w-]+\)", value or "")
    assert "@import" not in made.html
    assert all("url(" not in style for style in page.texts["style"])


def test_every_chart_is_named_and_its_ids_are_its_own(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    drawn = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(drawn) == 5
    for each in drawn:
        assert {each["aria-labelledby"], each["aria-describedby"]} <= set(ids)
    used = {value[5:-1] for _, attributes in page.tags for value in attributes.values() if value and "url(#" in value}
    assert used <= set(ids)
    assert len(page.texts["text"]) > 50  # text that can be read, found and copied, not outlines


def test_the_advice_is_that_of_the_advisor(made: Made, page: Page) -> None:
    measured = [
        fact.text for way in made.facts.advice.ways for fact in (*way.advantages, *way.when) if fact.is_measured
    ]
    assert measured
    assert set(measured) <= {line[3] for line in page.tables["Ways"]}
    assert [line[0] for line in page.tables["Next steps"][1:]] == [step.text for step in made.facts.advice.steps]


def test_what_strangers_wrote_stays_text(made: Made, page: Page) -> None:
    assert page.texts["h1"] == [SEEN]
    assert page.texts["title"][0].startswith(f"Pricing {SEEN}")
    assert any(CATEGORY in said for said in page.texts["text"])
    assert "\x02" not in made.html
    assert "\u202e" not in made.html


def test_the_workbook_holds_the_numbers_themselves(made: Made) -> None:
    errors = sheet(made, "Errors")
    for name, key in (("Mean error", "mae"), ("95 % interval from", "mae_low"), ("RMSLE", "rmsle")):
        assert errors[name].to_list() == pytest.approx([row[key] for row in made.rows])
    costs = sheet(made, "Costs")
    assert costs["Time per item (ms)"].to_list() == pytest.approx([row["p50_ms"] for row in made.rows])
    assert len(sheet(made, "Pairs")) == 15
    assert sheet(made, "Jobs")["Job"].to_list() == [job.id for job in made.facts.jobs]


def test_no_cell_of_the_workbook_is_a_formula_and_heads_stay_in_sight(made: Made) -> None:
    parts = zipfile.ZipFile(io.BytesIO(made.xlsx))
    sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
    assert all("<f>" not in each and "<hyperlink" not in each for each in sheets)
    assert sum('state="frozen"' in each for each in sheets) == len(sheets) - 1  # all but the sentences
    strings = parts.read("xl/sharedStrings.xml").decode()
    assert "'=1+1&lt;/title&gt;" in strings
    assert "'@Lamps" in strings
    assert re.search(r'formatCode="[^"]*\$', parts.read("xl/styles.xml").decode())


def test_every_section_with_a_limit_a_table_and_a_chart_is_there(made: Made) -> None:
    titles = [section.title for section in sections.sections(made.facts)]
    assert "Choice within your limits" in titles
    assert len(titles) == len(set(titles))
    named = [table.name for section in sections.sections(made.facts) for table in section.tables]
    assert len(named) == len(set(named))
    assert all(len(name) <= 31 for name in named)


@pytest.mark.parametrize("ending", files.FORMATS)
def test_one_technique_alone_and_few_rows_make_a_report_too(database: str, ending: str) -> None:
    with begin() as session:
        job_id = a_finished_job(session, a_dataset(session, 30), specs.RidgeSpec())
    data = files.made([job_id], "within", Limits(), ending)
    assert data[:2] in (b"<!", b"PK")


def test_nothing_priced_is_refused_in_a_sentence(database: str) -> None:
    with pytest.raises(NotReady, match="price the test rows"):
        files.made([], "mae", Limits(), ".html")


def test_choices_count_how_far_runs_of_one_technique_lie_apart(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        job_ids = [a_finished_job(session, dataset_id, specs.MultiShotSpec(seed=seed)) for seed in (3, 4)]
        job_ids.append(a_finished_job(session, dataset_id, specs.ZeroShotSpec()))
        for job_id, usd in zip(job_ids, (0.9e-5, 2.9e-5, 2e-5), strict=True):
            session.execute(
                text("UPDATE predictions SET usd = :usd * (1 + row % 3 / 100.0), saved_usd = 0 WHERE job_id = :job"),
                {"job": job_id, "usd": usd},
            )
    limits = Limits(error=1e6)
    (found,) = comparison.choose(job_ids, limits)
    assert (found["job"], found["ties"]) == (job_ids[0], [job_ids[2]])
    (said,) = report_facts.gather(job_ids, "mae", limits).choices
    assert "can't be told apart from it in cost" in said
