"""Every thing of a list has a label of its own, whatever people call their things."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from dashboard.shared import labels

MORNING, EVENING = datetime(2026, 11, 3, 9, 5, tzinfo=UTC), datetime(2026, 11, 3, 18, 40, tzinfo=UTC)


def test_a_name_of_its_own_stays_as_it_is() -> None:
    assert labels.unique({1: "shop", 2: "garden"}) == {1: "shop", 2: "garden"}


def test_things_of_one_name_are_told_apart_by_their_time_and_where_it_is_the_same_by_their_id() -> None:
    made = {1: MORNING, 2: EVENING, 3: EVENING, 4: EVENING}
    assert labels.unique({1: "shop", 2: "shop", 3: "shop", 4: "garden"}, made) == {
        1: "shop · 2026-11-03 09:05",
        2: "shop · 2026-11-03 18:40 · id 2",
        3: "shop · 2026-11-03 18:40 · id 3",
        4: "garden",
    }
    assert labels.unique({7: "Ridge", 8: "Ridge"}, number="job") == {7: "Ridge · job 7", 8: "Ridge · job 8"}


def test_names_that_look_alike_count_as_one() -> None:
    assert labels.unique({1: "shop", 2: "shop\u200b", 3: " shop "}) == {
        1: "shop · id 1",
        2: "shop\u200b · id 2",
        3: " shop  · id 3",
    }


NAMES = st.lists(st.sampled_from(["a", "a ", "a · id 1", "a · id 2", "a · id 1 · id 1", "b", ""]), max_size=8)


@given(NAMES)
def test_no_two_labels_are_alike_and_none_is_of_another_thing(names: list[str]) -> None:
    found = labels.unique(dict(enumerate(names)), dict.fromkeys(range(len(names)), MORNING))
    assert len(set(found.values())) == len(names)
    assert all(found[key].startswith(name) for key, name in enumerate(names))
