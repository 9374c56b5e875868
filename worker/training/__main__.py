"""A training in a process of its own: `python -m worker.training FOLDER`; worker.training.task_folder has the files.

Its own, because a fork can't use CUDA (celery/celery#3402), because memory that a training took comes back to the
machine for sure, and because a crash in it is then only a failed try.
"""

import logging
import sys
import traceback
from pathlib import Path

from db.errors import UserError
from db.settings import settings

_NO_MEMORY = ("out of memory", "can't allocate memory")  # how torch says it of a GPU and of the machine


def main(folder: Path) -> int:
    """Exit code 0: done; 1: error.txt says why; device.BUSY: the GPU is taken."""
    try:
        from worker.llm.local.device import pick_device
        from worker.training import device, pilot
        from worker.training.loop import Training
        from worker.training.task_folder import Task

        lock = device.claim(pick_device(settings().device))
        if lock is None:
            return device.BUSY
        with lock:
            task = Task.read(folder)
            if task.pilot:
                pilot.run(task, folder)
            else:
                Training(task, folder).run()
    except UserError as error:
        (folder / "error.txt").write_text(str(error))
        return 1
    except Exception as error:
        traceback.print_exc()
        if any(sign in str(error) for sign in _NO_MEMORY):
            (folder / "error.txt").write_text(
                "The training needs more memory than there is; take fewer tokens per step, save memory at the price "
                "of speed, or a smaller model."
            )
            return 1
        return 2
    return 0


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    sys.exit(main(Path(sys.argv[1])))
