"""Labels keep clear of each other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dashboard.shared import label_places


def boxes(points: list[tuple[float, float]], labels: list[str], places: list[str]) -> list[label_places.Box]:
    return [
        label_places._box(
            label_places.PLACES[place],
            (x * label_places.WIDTH, y * label_places.HEIGHT),
            len(label) * label_places.LETTER,
        )
        for (x, y), label, place in zip(points, labels, places, strict=True)
    ]


def test_a_lonely_label_stands_to_the_right() -> None:
    assert label_places.place([(0.5, 0.5)], ["Ridge"]) == ["right"]


def test_at_the_right_edge_a_label_turns_to_the_left() -> None:
    assert label_places.place([(0.99, 0.5)], ["Ridge on words"]) == ["left"]


def test_neighbouring_points_get_labels_that_do_not_overlap() -> None:
    points, labels = [(0.50, 0.50), (0.53, 0.51), (0.51, 0.45)], ["Ridge on words", "Nearest neighbours", "Boosting"]
    one, two, three = boxes(points, labels, label_places.place(points, labels))
    assert label_places._overlap(one, np.array([two, three])) == label_places._overlap(two, np.array([three])) == 0


def test_a_line_to_the_right_sends_the_label_elsewhere() -> None:
    assert label_places.place([(0.5, 0.5)], ["Ridge"], [(0.5, 0.5, 0.9, 0.5)]) != ["right"]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=12))
def test_every_point_gets_a_place(points: list[tuple[float, float]]) -> None:
    places = label_places.place(points, ["Label"] * len(points))
    assert len(places) == len(points)
    assert set(places) <= set(label_places.PLACES)
