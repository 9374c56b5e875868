"""The README's table: rows priced with every technique, errors and costs beside each other. `make table FILE=...`

A file is loaded and priced with everything that needs no training first; the name of a dataset takes what was priced in
it before, fine-tunes among it. Writes the table between the markers in README.md, one place for files and one for
datasets (ARGS='--job 3 --job 4' takes those jobs only), so that no figure in it is typed.
"""

import json
import subprocess
import sys
from pathlib import Path

OF_FILE, OF_DATASET = "<!-- table: of a file -->", "<!-- table: of a dataset -->"
END = "<!-- end of table -->"
README = Path(__file__).resolve().parent.parent / "README.md"

COLUMNS = (
    *("technique", "MAE $ (95 %)", "median error", "RMSLE", "within 20 %", "read"),
    *("tokens in + out", "$ per 1000", "fixed $", "p50 ms", "verdict"),
)
HEAD = f"| {' | '.join(COLUMNS)} |\n" + "|---" * len(COLUMNS) + "|\n"


def main() -> None:
    file = Path(sys.argv[1])
    start = OF_FILE if file.is_file() else OF_DATASET
    what = ["demo", str(file), *sys.argv[2:], "--variants"] if file.is_file() else ["compare", *sys.argv[1:]]
    run = subprocess.run([sys.executable, "-m", "worker.cli", *what, "--json"], stdout=subprocess.PIPE, check=True)
    rows = json.loads(run.stdout)["rows"]
    table = HEAD + "".join(_line(row) for row in rows)
    arguments = f" ARGS='{' '.join(sys.argv[2:])}'" if sys.argv[2:] else ""
    note = (
        f"\n`make table FILE={file.name}{arguments}` wrote this: "
        f"{rows[0]['n']:,} test rows that no technique had seen, "
        "the same for all; intervals are bootstrapped, differences to the best in pairs; *tie* = not distinguishable "
        "from it on these rows.\n"
    )
    print(table + note)
    text = README.read_text()
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{start}\n{table}{note}{END}{after}")


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
        "unknown" if row["fixed_usd"] is None else f"{row['fixed_usd']:.5f}",
        f"{row['p50_ms']:.2f}",
        _verdict(row),
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def _verdict(row: dict[str, object]) -> str:
    """ "worse by 9.0 (3.6–14.7)": in dollars of MAE, with the paired interval."""
    if row["verdict"] == "best" or row["diff"] is None:
        return str(row["verdict"])
    return f"{row['verdict']}: {row['diff']:+.1f} ({row['diff_low']:.1f}–{row['diff_high']:.1f})"


if __name__ == "__main__":
    main()
