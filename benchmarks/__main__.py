"""`make bench`: every benchmark in turn, each in a process of its own; ours and the peer's side by side."""

import subprocess
import sys

ALL = (
    *("ingest", "dirty", "engine", "embeddings", "llm", "endpoint", "training", "verdicts"),
    *("coverage", "promises", "frontier", "invoice", "race", "size", "elsewhere", "workers", "pages"),
)


def main() -> int:
    chosen = sys.argv[1:] or ALL
    failed = [name for name in chosen if _run(name)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str) -> int:
    print(f"\n== {name}", flush=True)
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
