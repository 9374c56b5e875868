"""What to know before prices and comparisons are trusted, said in the terminal."""

from collections.abc import Sequence

from worker.cli.console import warn
from worker.pricing import comparison


def say(job_ids: Sequence[int], *, quiet: bool) -> list[str]:
    """What to know before trusting these jobs' prices; said at once, unless `quiet`."""
    cautions = comparison.cautions(job_ids)
    for sentence in cautions if not quiet else ():
        warn(sentence)
    return cautions


def say_unlike(job_ids: Sequence[int], *, quiet: bool) -> list[str]:
    """What is known only when the jobs are done: that rows are unlike those that intervals were learned on."""
    sentences = comparison.unlike(job_ids)
    for sentence in sentences if not quiet else ():
        warn(sentence)
    return sentences
