"""Coverage-guided fuzzing of the look at a file and of its load: bytes that a person may upload, changed for minutes.

`python -m benchmarks.fuzz_files [--minutes 10] [--finds FOLDER] [FILE ...]`; with files it only tries those again. It
starts from the cases of the tests, opens gzip and workbooks before it changes them, and goes on after what it finds:
an error that is no sentence for a user, a line that is lost or taken twice, a file that takes longer than seconds. Each
is written to the folder of finds once per place in the code. Exit status 1 = there are finds.
With `--what templates` or `--what settings` it is what people write instead (benchmarks/fuzz_words.py).
"""

import argparse
import gzip
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
import zlib
from pathlib import Path
from types import TracebackType

from benchmarks import fuzz_words

SLOW_SECONDS = 10.0  # of CPU time, for an input of at most LONGEST bytes, most of which take milliseconds
HANG_SECONDS = 60
LONGEST = 64 << 10
_OPENED = 4 << 20  # bytes of a packed part that are still changed


def main() -> int:
    arguments = _arguments()
    if arguments.what != "files":
        return fuzz_words.run(arguments.what, arguments.minutes, arguments.seed)
    if arguments.files:
        return _try_again(arguments.files)
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("Fuzzing needs atheris, which is installed on Linux with Python 3.11 to 3.13: pip install atheris")
        return 2
    arguments.finds.mkdir(parents=True, exist_ok=True)
    if arguments.inside:
        _fuzz(arguments.finds, arguments.inside, arguments.minutes)  # does not come back
    with tempfile.TemporaryDirectory() as corpus:
        before = set(arguments.finds.iterdir())
        command = [sys.executable, "-m", "benchmarks.fuzz_files", "--minutes", str(arguments.minutes)]
        code = subprocess.run([*command, "--finds", arguments.finds, "--inside", corpus], check=False).returncode
        finds = sorted(set(arguments.finds.iterdir()) - before)
    print(f"{len(finds)} finds" + "".join(f"\n  {find}" for find in finds))
    return 1 if finds or code else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzz_files", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--finds", type=Path, default=Path(tempfile.gettempdir()) / "pricewright-finds")
    parser.add_argument("--what", choices=("files", "templates", "settings"), default="files")
    parser.add_argument("--seed", type=int, default=1, help="of templates and settings")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("files", type=Path, nargs="*")
    return parser.parse_args()


def _try_again(files: list[Path]) -> int:
    from tests.worker.ingest import whole_reading

    failed = 0
    for file in files:
        started = time.perf_counter()
        try:
            what = whole_reading.check(file) or "loaded"
        except Exception:  # whatever it is, it is what is looked for
            what, failed = traceback.format_exc(), failed + 1
        print(f"{file.name} ({time.perf_counter() - started:.2f} s): {what}")
    return 1 if failed else 0


def _fuzz(finds: Path, corpus: Path, minutes: float) -> None:
    """Fuzzes in this process; libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=["worker.ingest"]):
        from tests.worker.ingest import whole_reading
        from worker.ingest import limits
    limits.MAX_GRID = 100_000  # else the largest sheets that are built take seconds each
    from tests.worker.ingest.corpus import CASES

    for case in CASES:
        if len(data := case.data) <= LONGEST:
            (corpus / hashlib.sha256(data).hexdigest()).write_bytes(data)
    path = corpus.with_suffix(".input")
    places: set[str] = set()

    def keep(kind: str, place: str, data: bytes, told: str) -> None:
        if f"{kind} {place}" not in places and len(places) < 200:
            places.add(f"{kind} {place}")
            name = f"{kind}-{hashlib.sha256(place.encode()).hexdigest()[:10]}"
            if not (finds / name).exists():
                (finds / name).write_bytes(data)
                print(f"FIND {name}: {told}", flush=True)

    def one(data: bytes) -> None:
        path.write_bytes(data)
        started = time.process_time()
        try:
            whole_reading.check(path)
        except Exception as error:  # whatever it is, it is what is looked for
            keep(type(error).__name__, _place(error, error.__traceback__), data, traceback.format_exc())
        if (seconds := time.process_time() - started) > SLOW_SECONDS:
            keep("slow", f"{seconds:.0f}", data, f"{seconds:.1f} s")

    options = [
        *(f"-max_total_time={minutes * 60:.0f}", f"-max_len={LONGEST}", f"-timeout={HANG_SECONDS}"),
        *("-rss_limit_mb=4000", "-print_final_stats=1", "-verbosity=1", f"-artifact_prefix={finds}{os.sep}"),
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=_changed)
    atheris.Fuzz()


def _place(error: BaseException, trace: TracebackType | None) -> str:
    """The lines of ours that an error went through, and its kind: the same ones are the same find."""
    ours = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(trace) if "/worker/" in frame.filename]
    said = "".join(c for c in str(error) if not c.isdigit())[:60] if isinstance(error, AssertionError) else ""
    return " ".join([*ours[-3:], said])


def _changed(data: bytes, max_size: int, seed: int) -> bytes:
    """The bytes with some changed; of what is packed, those inside."""
    import atheris

    try:
        if data[:2] == b"\x1f\x8b" and seed % 4:
            return gzip.compress(atheris.Mutate(_unpacked(data), max_size), 1)
        if data[:2] == b"PK" and seed % 4:
            return _changed_part(data, max_size, seed)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error):
        pass
    changed: bytes = atheris.Mutate(data, max_size)
    return changed


def _unpacked(data: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        return file.read(_OPENED)


def _changed_part(data: bytes, max_size: int, seed: int) -> bytes:
    import atheris

    with zipfile.ZipFile(io.BytesIO(data)) as old:
        parts = {name: old.read(name) for name in old.namelist() if old.getinfo(name).file_size <= _OPENED}
    names = sorted(parts, key=lambda name: "/worksheets/" not in name and "sharedStrings" not in name)
    chosen = names[seed // 4 % min(len(names), 3 if seed % 8 < 6 else len(names))]
    parts[chosen] = atheris.Mutate(parts[chosen], max_size)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return buffer.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())
