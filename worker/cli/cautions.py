"""What to know before prices and comparisons are trusted, said in the terminal."""

from collections.abc import Sequence

from worker.cli.console import err, warn
from worker.pricing import comparison


def say(job_ids: Sequence[int], *, quiet: bool) -> list[str]:
    """What to know before trusting these jobs' prices; said at once, unless `quiet`."""
    cautions = comparison.cautions(job_ids)
    for sentence in cautions if not quiet else ():
        warn(sentence)
    return cautions


def say_unlike(job_ids: Sequence[int], *, quiet: bool) -> list[str]:
    """What is known only when the jobs are done: that rows are unlike those that intervals were learned on. What is no
    reason to beware, a promise that was not broken, is said, too, and not among the sentences that come back."""
    sentences = comparison.unlike(job_ids)
    for sentence in sentences if not quiet else ():
        warn(sentence)
    for sentence in comparison.promises(job_ids) if not quiet else ():
        err.print(sentence)
    return sentences
