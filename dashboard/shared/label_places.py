"""The place of the label of each point: one where it covers neither points, nor lines, nor another label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

# The canvas and the letters are estimates: charts stretch with the window. They are those of the narrowest, the chart
# of a report: labels that lie apart there do so in a wider one, too.
WIDTH, HEIGHT = 760.0, 400.0
LETTER, LINE = 7.4, 16.0
GAP = 12.0

Box = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass(frozen=True)
class Place:
    align: Literal["left", "center", "right"]
    dx: float
    dy: float  # downwards, as Vega-Lite counts


PLACES = {
    "right": Place("left", GAP, 0),
    "left": Place("right", -GAP, 0),
    "above right": Place("left", GAP - 4, -13),
    "below right": Place("left", GAP - 4, 14),
    "above left": Place("right", 4 - GAP, -13),
    "below left": Place("right", 4 - GAP, 14),
    "above": Place("center", 0, -18),
    "below": Place("center", 0, 19),
}
"""Where a label may stand at its point, in order of preference."""


def place(
    points: Sequence[tuple[float, float]], labels: Sequence[str], obstacles: Sequence[Box] = (), weight: float = 0.5
) -> list[str]:
    """A name of PLACES per point. Points and obstacles are shares of the canvas (0 to 1, y upwards).

    Greedy: each label in turn takes the place where it covers least; covering an obstacle (a line) counts `weight` of
    what covering a point or a label does.
    """
    centres = [(x * WIDTH, y * HEIGHT) for x, y in points]
    solid = np.array([(x - 9, y - 9, x + 9, y + 9) for x, y in centres])
    lines = np.array([(a * WIDTH - 3, b * HEIGHT - 3, c * WIDTH + 3, d * HEIGHT + 3) for a, b, c, d in obstacles])
    chosen = []
    for number, (centre, label) in enumerate(zip(centres, labels, strict=True)):
        others = np.delete(solid, number, axis=0)
        boxes = {name: _box(spot, centre, len(label) * LETTER) for name, spot in PLACES.items()}
        cost = {
            name: _outside(box) * 12 + _overlap(box, others) + _overlap(box, lines) * weight
            for name, box in boxes.items()
        }
        best = min(cost, key=cost.__getitem__)
        chosen.append(best)
        solid = np.vstack([solid, boxes[best]])
    return chosen


def _box(place: Place, centre: tuple[float, float], long: float) -> Box:
    left = {"left": 0.0, "right": -long, "center": -long / 2}[place.align] + centre[0] + place.dx
    middle = centre[1] - place.dy
    return (left, middle - LINE / 2, left + long, middle + LINE / 2)


def _overlap(box: Box, others: npt.NDArray[np.float64]) -> float:
    """How much a box covers of others (n, 4), altogether."""
    if not len(others):
        return 0.0
    wide = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    high = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    return float((np.maximum(0.0, wide) * np.maximum(0.0, high)).sum())


def _outside(box: Box) -> float:
    return max(0.0, -box[0]) + max(0.0, box[2] - WIDTH) + max(0.0, -box[1]) + max(0.0, box[3] - HEIGHT)
