"""The README's table: rows priced with every technique, errors and costs beside each other. `make table FILE=...`

A file is loaded and priced with everything, a small fine-tune last; the name of a dataset takes what was priced in it
before (ARGS='--job 3 --job 4': those jobs only). Writes the table between the markers of that name in README.md, or of
the one that PLACE says, so that no figure in it is typed; without such markers it is printed only.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from worker import amounts
from worker.amounts import Money, currencies
from worker.evaluation.measures import DECIDING, SHOWN

END = "<!-- end of table -->"
README = Path(__file__).resolve().parent.parent / "README.md"

USUAL, *OTHERS = (DECIDING[key] for key in SHOWN)


def main() -> None:
    file = Path(sys.argv[1])
    start = f"<!-- table: {os.environ.get('PLACE') or file.name.partition('.')[0]} -->"
    what = ["demo", str(file), *sys.argv[2:], "--variants"] if file.is_file() else ["compare", *sys.argv[1:]]
    run = subprocess.run([sys.executable, "-m", "worker.cli", *what, "--json"], stdout=subprocess.PIPE, check=True)
    report = json.loads(run.stdout)
    rows = report["rows"]
    if not rows:
        sys.exit("Nothing is priced there yet: pricewright price DATASET --technique ridge")
    with amounts.written_in(Money(currencies.of(report["currency"]), 2)):
        table = _head() + "".join(_line(row) for row in rows)
    arguments = f" ARGS='{' '.join(sys.argv[2:])}'" if sys.argv[2:] else ""
    note = (
        f"\n`make table FILE={file.name}{arguments}` wrote this: "
        f"{rows[0]['n']:,} test rows that no technique had seen, "
        "the same for all. Intervals are bootstrapped over groups of near-duplicates; differences are paired and to "
        "the one ahead, all pairs held at once to 95 %. *worse* = the interval lies above 0, *tie* = not shown to be "
        "worse, *best* = all others are worse, *ahead* = not all are.\n"
    )
    print(table + note)
    text = README.read_text()
    before, marker, rest = text.partition(start)
    _, _, after = rest.partition(END)
    if marker:
        README.write_text(f"{before}{start}\n{table}{note}{END}{after}")


def _head() -> str:
    columns = (
        *("technique", f"{USUAL.terminal} (95 %)", *(measure.terminal for measure in OTHERS), "read"),
        *("tokens in + out", "$ per 1000", "fixed $", "p50 ms", "verdict"),
    )
    return f"| {' | '.join(columns)} |\n" + "|---" * len(columns) + "|\n"


def _line(row: dict[str, Any]) -> str:
    cells = [
        row["description"],
        USUAL.cell(row[USUAL.key]) + _reach(row, USUAL.key),
        *(measure.cell(row[measure.key]) for measure in OTHERS),
        _figure(row["parse_rate"], ".1%"),
        f"{row['tokens_in']:.0f} + {row['tokens_out']:.0f}" if row["tokens_in"] else "–",
        _figure(row["usd_per_1000"], ".5f", "unknown"),
        _figure(row["fixed_usd"], ".5f", "unknown"),
        _figure(row["p50_ms"], ".2f"),
        _verdict(row),
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def _figure(value: float | None, form: str, missing: str = "–") -> str:
    return missing if value is None else format(value, form)


def _reach(row: dict[str, Any], name: str) -> str:
    """An interval as " (3.6 to 14.7)"; empty where there is none."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return "" if low is None else f" ({amounts.plain(low, 1)} to {amounts.plain(high, 1)})"


def _verdict(row: dict[str, Any]) -> str:
    """The verdict as "worse: +9.0 (3.6 to 14.7)": in dollars of MAE, with the paired interval."""
    if row["verdict"] is None:
        return "no answers"
    if not row["diff"]:
        return str(row["verdict"])
    sign = "+" if row["diff"] > 0 else ""
    return f"{row['verdict']}: {sign}{amounts.plain(row['diff'], 1)}{_reach(row, 'diff')}"


if __name__ == "__main__":
    main()
