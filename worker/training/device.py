"""The device of a training: its name, its memory, and whether the GPU is free. Asked in the training's process."""

import fcntl
import os
from pathlib import Path
from typing import IO

import psutil
import torch

from db.settings import settings

BUSY = 75  # exit code: the GPU is taken by another training, try again later (EX_TEMPFAIL of sysexits.h)


def name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{threads} CPU thread{'' if threads == 1 else 's'}"


def memory_gb(device: torch.device) -> float:
    """Most that was held on the GPU, or what the process holds now."""
    taken = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else psutil.Process().memory_info().rss
    return float(taken) / 1e9


def claim(device: torch.device) -> IO[str] | None:
    """A lock on this GPU while the file is open, so that two trainings never share one; the kernel frees it however
    the process ends. None when another training holds it. A CPU is shared by everybody: nothing is locked.

    The file lies in the data folder, which containers share, and is named by the card: each may count it differently.
    """
    if device.type == "cpu":
        return Path(os.devnull).open("w")
    file = (settings().home / f"gpu-{torch.cuda.get_device_properties(device).uuid}.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
