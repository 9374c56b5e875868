"""Keeps the logs of `pricewright up` from growing without end."""

import shutil
from collections.abc import Iterable
from pathlib import Path


def put_aside(logs: Iterable[Path], megabytes: int) -> None:
    """Copy logs that are larger than that to NAME.log.1, in place of the one before, and empty them; 0 = none.

    Emptied, not renamed: whoever writes has the file open, and goes on at its new end (it appends). What is written
    between the copy and the emptying is lost, which is a line at most.
    """
    for log in logs:
        try:
            if megabytes and log.stat().st_size > megabytes << 20:
                shutil.copyfile(log, log.with_name(f"{log.name}.1"))
                with log.open("r+b") as file:
                    file.truncate()
        except FileNotFoundError:
            continue
