"""The README's table: rows priced with every technique, errors and costs beside each other. `make table FILE=...`

A file is loaded and priced with everything that needs no training first; the name of a dataset takes what was priced in
it before, fine-tunes among it. Writes the table between the markers in README.md, so that no figure in it is typed.
"""

import json
import subprocess
import sys
from pathlib import Path

START, END = "<!-- table: make table -->", "<!-- end of table -->"
README = Path(__file__).resolve().parent.parent / "README.md"

COLUMNS = (
    *("technique", "MAE $ (95 %)", "median error", "RMSLE", "within 20 %", "read"),
    *("tokens in + out", "$ per 1000", "fixed $", "p50 ms", "verdict"),
)
HEAD = f"| {' | '.join(COLUMNS)} |\n" + "|---" * len(COLUMNS) + "|\n"


def main() -> None:
    file = Path(sys.argv[1])
    what = ["demo", str(file), *sys.argv[2:], "--variants"] if file.is_file() else ["compare", sys.argv[1]]
    run = subprocess.run([sys.executable, "-m", "worker.cli", *what, "--json"], stdout=subprocess.PIPE, check=True)
    rows = json.loads(run.stdout)["rows"]
    table = HEAD + "".join(_line(row) for row in rows)
    arguments = f" ARGS='{' '.join(sys.argv[2:])}'" if sys.argv[2:] else ""
    note = (
        f"\n`make table FILE={file.name}{arguments}` wrote this: "
        f"{rows[0]['n']:,} test rows that no technique had seen, "
        "the same for all; intervals are bootstrapped; *tie* = not distinguishable from the best on these rows.\n"
    )
    print(table + note)
    text = README.read_text()
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{START}\n{table}{note}{END}{after}")


def _line(row: dict[str, object]) -> str:
    cells = [
        row["description"],
        f"{row['mae']:.1f} ({row['mae_low']:.1f}–{row['mae_high']:.1f})",
        f"{row['median_ape']:.0%}",
        f"{row['rmsle']:.3f}",
        f"{row['within']:.0%}",
        f"{row['parse_rate']:.1%}",
        f"{row['tokens_in']:.0f} + {row['tokens_out']:.0f}" if row["tokens_in"] else "–",
        f"{row['usd_per_1000']:.5f}",
        f"{row['fixed_usd']:.5f}",
        f"{row['p50_ms']:.2f}",
        row["verdict"],
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


if __name__ == "__main__":
    main()
