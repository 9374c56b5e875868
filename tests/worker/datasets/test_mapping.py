"""Mappings that one table takes over from another one."""

from worker.datasets import mapping


def test_columns_mean_the_same_in_the_next_file_whatever_their_order_and_case() -> None:
    known = {"title": "Bezeichnung", "category": "Gruppe", "price": "VK"}
    columns = ["GRUPPE", "Name", "Bezeichnung", "Marke"]
    proposed = {"title": "Name", "brand": "Marke", "category": "Name"}
    assert mapping.alike(columns, proposed, known) == {
        "title": "Bezeichnung",
        "category": "GRUPPE",
        "brand": "Marke",
    }
    assert mapping.has_columns_of(columns, known)  # but for the price, which is what is wanted
    assert not mapping.has_columns_of(["Bezeichnung"], known)


def test_no_column_stands_for_two_fields() -> None:
    assert mapping.alike(["a", "b"], {"title": "a", "brand": "b"}, {"brand": "a"}) == {"brand": "a"}
