"""The way of a file to a dataset on the page: uploading it, and saying which column means what."""

from datetime import date
from typing import Any

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.parts.data import columns, currency
from dashboard.parts.data import reads as data_reads
from dashboard.shared import formats, navigation, pickers, reads, widgets, words
from db.errors import MappingError
from db.settings import settings
from db.types import Dataset, DatasetState, Verb
from worker import amounts
from worker.datasets import actions
from worker.datasets.actions import DETECTED
from worker.datasets.answers import Answers, DateOrder, Sign, likelier_sign, ranges
from worker.files import encodings
from worker.files import formats as file_formats

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "": "one column", " ": "space"}
_AS_DETECTED = "(as detected)"
_MORE = (
    "Rows are divided into train, validation and test at random unless a column says the **side** of each, or a "
    "**date**: then the earlier rows teach and the latest test. With both, the side divides, and dates show how errors "
    "grow with time. A priced row whose side (or date) can't be read is left out, with its reason; a row without a "
    "price stays one to be priced. A **weight** says how often a row stands in the catalogue that you mean: with it "
    "errors and verdicts are weighted means. A row without a positive number there weighs 1."
)


def upload() -> None:
    """The file chooser, and the demo for who has no file at hand."""
    file = st.file_uploader(
        f"A table of products: {file_formats.ON_PAGES}, also gzipped, up to 1 GB",
        type=file_formats.UPLOADED,
        key=f"upload-{st.session_state.get('uploads', 0)}",
        **widgets.allowed(Verb.UPLOAD),
    )
    if file is not None:
        with st.spinner(f"Storing {words.plain(file.name)} …"):
            sha256 = data_reads.stored(file.file_id, file)
        if known := actions.same_bytes(sha256):
            _is_here_already(file.name, sha256, known)
        else:
            _opened(actions.add(file.name, sha256))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("No file at hand?", width="content")
        if st.button("Load the demo catalogue", icon=":material/science:", **widgets.allowed(Verb.UPLOAD)):
            _opened(actions.load_demo())


def _is_here_already(name: str, sha256: str, known: list[Dataset]) -> None:
    """Asks what is meant by a file whose very bytes are here: what was made of it, a version of that, or neither."""
    with st.container(border=True):
        st.warning(words.plain(f"{name} is here already: the same file, byte by byte."), icon=":material/content_copy:")
        names = {each.id: f"dataset {each.id}: {words.dataset_name(each)}" for each in known}
        chosen = pickers.one("Which one", names, key=f"same-{sha256}") if len(known) > 1 else known[0].id
        if len(known) == 1:
            st.markdown(f"**{words.plain(names[chosen])}**, added {formats.ago(known[0].created_at)}")
        with st.container(horizontal=True):
            if st.button("Open it", icon=":material/table:", type="primary", key=f"same-open-{chosen}"):
                _opened(chosen)
            about = "Loaded anew, for other columns or other answers; it is told what changed."
            is_ready = next(each for each in known if each.id == chosen).state is DatasetState.READY
            if st.button(
                "New version of it", icon=":material/difference:", key=f"same-version-{chosen}",
                **widgets.allowed(Verb.UPLOAD, about=about, disabled=not is_ready),
            ):  # fmt: skip
                _opened(actions.add(name, sha256, version_of=chosen))
            may = widgets.allowed(Verb.UPLOAD)
            if st.button("Add it separately", icon=":material/add:", key=f"same-separate-{chosen}", **may):
                _opened(actions.add(name, sha256))


@st.dialog("Add a table", width="medium", icon=":material/upload_file:")
def another() -> None:
    """The file chooser in a window of its own, for who has a table already."""
    with widgets.tell_errors():
        upload()


def _opened(dataset_id: int) -> None:
    # A new key empties the chooser, and the server drops its copy of the bytes.
    st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1
    navigation.choose(dataset_id)
    st.rerun()


def look_again(dataset: Dataset) -> None:
    """A button for a file that was not looked at to the end: cancelled, or what was in the way is gone; and for a text,
    what may have been detected wrongly."""
    before = dataset.inspection.get("forced", {})
    forced: dict[str, Any] = {}
    if shown := encodings.of_file(settings().files_dir / dataset.file_sha256):
        st.caption("Is it a text in another encoding? Each is shown with the first line beyond plain letters.")
        left, right = st.columns(2)
        choice = left.selectbox(
            "Text encoding", [None, *shown], key=f"again-encoding-{dataset.id}",
            format_func=lambda name: _AS_DETECTED if name is None else _encoding(name, shown),
        )  # fmt: skip
        sign = right.selectbox(
            "Between cells", [None, *_DELIMITERS], key=f"again-sep-{dataset.id}",
            format_func=lambda sign: _AS_DETECTED if sign is None else _DELIMITERS[sign],
        )  # fmt: skip
        forced = {field: value for field, value in (("encoding", choice), ("delimiter", sign)) if value is not None}
    if before:
        st.caption(words.plain("Chosen before: " + ", ".join(f"{field} {value}" for field, value in before.items())))
        may = widgets.allowed(Verb.LOAD_DATASET, dataset)
        if st.button("Look at it as detected", icon=":material/auto_awesome:", key=f"detect-{dataset.id}", **may):
            actions.inspect_again(dataset.id, dict.fromkeys(before, DETECTED))
            st.rerun()
    if st.button(
        "Look at it again",
        icon=":material/replay:",
        key=f"look-{dataset.id}",
        **widgets.allowed(Verb.LOAD_DATASET, dataset),
    ):
        actions.inspect_again(dataset.id, before | forced)
        st.rerun()


def _encoding(name: str, shown: dict[str, str]) -> str:
    return f"{name}: {shown[name]}" if shown.get(name) else name


def dialect(inspection: dict[str, Any]) -> str:
    """What was detected, as one line: CSV, gzipped · UTF-8 · comma · header on line 3."""
    kind = str(inspection["kind"]).upper() + (", gzipped" if inspection.get("compression") else "")
    facts = [kind]
    if file_formats.FORMATS[inspection["kind"]].is_text:
        delimiter = inspection.get("delimiter", "")
        facts += [str(inspection["encoding"]).upper(), f"{_DELIMITERS.get(delimiter, repr(delimiter))} between cells"]
    if inspection.get("sheet"):
        facts.append(f"sheet “{inspection['sheet']}”")
    line = inspection.get("header_line")
    facts.append(f"header on line {line}" if line else "no header, columns are numbered")
    preamble = inspection.get("preamble", [])
    if preamble:
        facts.append(f"{formats.count(len(preamble), 'line')} before it skipped")
    return " · ".join(facts)


def mapping(dataset: Dataset) -> None:
    """What was detected, the first rows, and a form that says which column means what."""
    inspection = dataset.inspection
    st.subheader("1 · Is this your table?", anchor=False)
    st.caption(words.plain(f"{dataset.file_name} · {dialect(inspection)}"))
    warnings = [words.plain(warning) for warning in inspection.get("warnings", [])]
    if warnings:  # in one frame: six of them would push the table out of sight
        marks = "- " if len(warnings) > 1 else ""
        st.warning("\n".join(f"{marks}{warning}" for warning in warnings), icon=":material/info:")
    _sheet(dataset.id, inspection)
    widgets.table(preview(list(inspection["columns"]), inspection.get("preview", [])), height=260)
    st.subheader("2 · Which column means what?", anchor=False)
    proposal, like = data_reads.proposed_mapping(dataset)
    from_where = f"as in {words.plain(like.name)}, which has these columns too" if like else "from header and content"
    st.caption(f"Proposed {from_where}; change what is wrong. Only the title is needed.")
    _prices(inspection)
    unsure = inspection.get("unsure", {}) if like is None else {}
    with st.form("mapping"):
        left, right = st.columns(2)
        name = left.text_input("Name of the dataset", dataset.name, key=f"name-{dataset.id}")
        parent = _parent(dataset, right)
        chosen = columns.ask(columns.USUAL, dataset.id, inspection, proposal, unsure)
        place_of_money = st.container()
        has_more = bool({*columns.RARE} & {*proposal, *unsure}) or bool(inspection.get("undecided_dates"))
        with st.expander("Does the file say more of each row: a side, a date, a quantity?", expanded=has_more):
            chosen |= columns.ask(columns.RARE, dataset.id, inspection, proposal, unsure)
            st.caption(_MORE)
            order = _open_dates(dataset.id, inspection, chosen["date"])
            first = _first_test_day(dataset.id)
        left_open = [field for field, column in chosen.items() if column == columns.OPEN]
        chosen |= dict.fromkeys(left_open, "")
        with place_of_money:
            code, table = currency.ask(dataset, chosen)
        sign = _open_sign(dataset.id, inspection, chosen["price"])
        lower_ends = _lower_ends(dataset.id, inspection, chosen["price"])
        accepts = _wide_rows(dataset.id, inspection)
        with st.expander("Columns, prices or accents look wrong?"):
            forced, other_sign = _overrides(dataset, inspection)
        may = widgets.allowed(Verb.LOAD_DATASET, dataset)
        go = st.form_submit_button("Load this table", type="primary", icon=":material/download_done:", **may)
    if go:
        used = {field: column for field, column in chosen.items() if column}
        if forced:
            actions.inspect_again(dataset.id, forced)
            for field in words.FIELDS:  # other columns may come of it, so the mapping is proposed anew
                st.session_state.pop(f"map-{dataset.id}-{field}", None)
        elif left_open:
            raise MappingError(f"Choose the column of the {amounts.listed(left_open)}, or that the file has none.")
        else:
            told = other_sign or sign
            said = Answers(
                told.mark if told else None,
                accepts,
                code,
                currency.rates(table),
                order.first if order else None,
                first.isoformat() if first else None,
                lower_ends,
                tuple(words.FIELDS),  # she has them before her
            )
            actions.set_parent(dataset.id, parent)
            actions.load(dataset.id, used, name.strip() or dataset.name, said)
        st.rerun()


def _sheet(dataset_id: int, inspection: dict[str, Any]) -> None:
    """Which sheet of a workbook is read, where it has several; another one is looked at right away."""
    sheets = dict(inspection.get("sheets", []))
    if len(sheets) < 2:
        return
    read = inspection["sheet"]
    chosen = st.selectbox(
        "Sheet that holds the products", [read, *(name for name in sheets if name != read)],
        format_func=lambda name: f"{name} ({sheets[name]})" if sheets[name] else name, key=f"sheet-{dataset_id}",
    )  # fmt: skip
    if chosen == read:
        return
    forced = {"sheet": chosen}
    if "header_line" in inspection.get("forced", {}):
        forced["header_line"] = DETECTED  # it was the other sheet's
    actions.inspect_again(dataset_id, forced)
    for field in words.FIELDS:
        st.session_state.pop(f"map-{dataset_id}-{field}", None)
    st.rerun()


def _prices(inspection: dict[str, Any]) -> None:
    """The columns that may be the price, side by side, where there are several."""
    kinds = inspection.get("prices", [])
    if len(kinds) < 2:
        return
    st.caption("Several columns hold prices; choose the one that the product regularly costs a buyer.")
    rows = [(each["column"], each["kind"], f"{each['filled'] * 100:.0f} %", f"{each['median']:,.2f}") for each in kinds]
    widgets.table(pl.DataFrame(rows, schema=["Column", "Kind", "Filled", "Median"], orient="row"))


def _parent(dataset: Dataset, place: DeltaGenerator) -> int | None:
    """The dataset that this one is a new version of; None = of none."""
    ready = [each for each in reads.datasets() if each.state is DatasetState.READY and each.id != dataset.id]
    if not ready:
        return None
    names = {0: "(none: a table of its own)"} | {each.id: words.dataset_name(each) for each in ready}
    chosen = pickers.one(
        "A new version of", names, first=dataset.made_from or 0, made={each.id: each.created_at for each in ready},
        key=f"parent-{dataset.id}", place=place,
        help="It is then told which products were added, removed and repriced.",
    )  # fmt: skip
    return chosen or None


def _open_sign(dataset_id: int, inspection: dict[str, Any], price: str) -> Sign | None:
    """The question that prices with two readings put, if the column chosen has such; None = no answer yet."""
    readings = inspection.get("undecided", {}).get(price)
    if not readings:
        return None
    st.warning(
        words.plain(f"The prices in the column {price} can be read in two ways: {readings}."), icon=":material/help:"
    )
    # An answer belongs to its column: asked about another one, nothing is said yet.
    key = f"sign-{dataset_id}-{price}"
    signs = list(Sign)
    likelier = likelier_sign(inspection, price)
    if likelier:
        about = f"A decimal {likelier} is likelier, because {inspection['likelier'][price]['why']}; it is not sure."
        st.caption(words.plain(about))
    first = signs.index(likelier) if likelier else None
    return st.radio("Which is their decimal sign?", signs, index=first, horizontal=True, key=key)


def _lower_ends(dataset_id: int, inspection: dict[str, Any], price: str) -> bool:
    """Whether a person wants ranges of prices read as their lower end, if the column chosen has such."""
    about = ranges(inspection, {"price": price})
    if not about:
        return False
    st.warning(words.plain(f"{about}."), icon=":material/linear_scale:")
    return st.checkbox("Read a range as its lower end", key=f"lower-{dataset_id}-{price}")


def _open_dates(dataset_id: int, inspection: dict[str, Any], column: str) -> DateOrder | None:
    """The question that dates with two readings put, if the column chosen has such; None = no answer yet."""
    readings = inspection.get("undecided_dates", {}).get(column)
    if not readings:
        return None
    st.warning(
        words.plain(f"The dates in the column {column} can be read in two ways: {readings}."), icon=":material/help:"
    )
    return st.radio(
        "What comes first?", list(DateOrder), index=None, horizontal=True, key=f"order-{dataset_id}-{column}",
        format_func=lambda order: words.DATE_ORDERS[order],
    )  # fmt: skip


def _first_test_day(dataset_id: int) -> date | None:
    """The first day of the test rows; None = the latest tenth of the rows, by whole days."""
    chosen = st.date_input(
        "Test rows from (with a column of dates)", None, key=f"test-from-{dataset_id}",
        min_value=date(1900, 1, 1), max_value=date(2100, 12, 31),
        help="Empty: the day from which on about a tenth of the rows lie; the tenth before that is for validation.",
    )  # fmt: skip
    return chosen if isinstance(chosen, date) else None


def _wide_rows(dataset_id: int, inspection: dict[str, Any]) -> bool:
    """Whether a person confirms how rows with more cells than the header has names are read, if there are such."""
    wide = inspection.get("wide_rows")
    if not wide:
        return False
    st.warning(
        words.plain(f"{wide}. Perhaps a cell is cut in two, or every cell stands under the wrong name."),
        icon=":material/view_column:",
    )
    return st.checkbox("This is what the rows mean: load them like this", key=f"wide-{dataset_id}-{wide}")


def _overrides(dataset: Dataset, inspection: dict[str, Any]) -> tuple[dict[str, Any], Sign | None]:
    """Inputs for what detection gets wrong now and then: what to force on a new look, and the prices' decimal sign."""
    dataset_id = dataset.id
    sign = st.selectbox(
        "Decimal sign of the price",
        [None, *Sign],
        format_func=lambda sign: words.SIGNS[sign],
        key=f"decimal-{dataset_id}",
    )
    st.caption("Changing one of these looks at the file again; you then see the columns before anything is loaded.")
    places = st.columns(3)
    chosen: dict[str, Any] = {}
    detected: dict[str, Any] = {"header_line": inspection.get("header_line") or 0}
    format_ = file_formats.FORMATS[inspection["kind"]]
    if format_.is_text:
        detected |= {"encoding": inspection["encoding"], "delimiter": inspection["delimiter"]}
        shown = encodings.of_file(settings().files_dir / dataset.file_sha256)
        known = [detected["encoding"], *(each for each in shown if each != detected["encoding"])]
        delimiters = [detected["delimiter"], *(each for each in _DELIMITERS if each != detected["delimiter"])]
        chosen["encoding"] = places[0].selectbox(
            "Text encoding", known, format_func=lambda name: _encoding(name, shown), key=f"encoding-{dataset_id}"
        )
        chosen["delimiter"] = places[1].selectbox(
            "Between cells", delimiters, format_func=lambda d: _DELIMITERS.get(d, repr(d)), key=f"sep-{dataset_id}"
        )
    if not format_.names_columns:
        chosen["header_line"] = places[2].number_input(
            "Header on line (0 = none)", min_value=0, value=detected["header_line"], key=f"header-{dataset_id}"
        )
    forced = {field: value for field, value in chosen.items() if value != detected[field]}
    if "header_line" in forced:
        forced["header_line"] = forced["header_line"] or None
    return forced, sign


def preview(names: list[str], rows: list[list[str]]) -> pl.DataFrame:
    """The first rows as a frame; short rows are filled up, cells beyond the last column are left out."""
    filled = [[*row, *([""] * len(names))][: len(names)] for row in rows]
    return pl.DataFrame(filled, schema=dict.fromkeys(names, pl.String), orient="row")
