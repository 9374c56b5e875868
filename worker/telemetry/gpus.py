"""What the GPUs of this machine do right now, as the driver's own command tells it."""

import shutil
import subprocess
from dataclasses import dataclass

from worker.telemetry import metrics

_ASKED = "index,utilization.gpu,memory.used,memory.total"
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Gpu:
    name: str
    busy: float | None  # share of the last second; None: the driver can't tell
    used: int | None  # bytes
    memory: int | None  # bytes


def read(answer: str) -> list[Gpu]:
    """The lines of `nvidia-smi --format=csv,noheader,nounits`; what stands there as [N/A] is None."""
    gpus = []
    for line in answer.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != len(_ASKED.split(",")):
            continue
        busy, used, memory = (float(cell) if cell.isdecimal() else None for cell in cells[1:])
        gpus.append(
            Gpu(
                cells[0],
                None if busy is None else busy / 100,
                None if used is None else int(used * _MIB),
                None if memory is None else int(memory * _MIB),
            )
        )
    return gpus


def update() -> None:
    """Set the metrics of the GPUs; without the command there are none."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return
    try:
        done = subprocess.run(
            [command, f"--query-gpu={_ASKED}", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return
    for gpu in read(done.stdout):
        for gauge, value in (
            (metrics.GPU_BUSY, gpu.busy),
            (metrics.GPU_MEMORY_USED, gpu.used),
            (metrics.GPU_MEMORY, gpu.memory),
        ):
            if value is not None:
                gauge.labels(gpu.name).set(value)
