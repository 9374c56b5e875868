"""A mapping of columns that one table takes over from another one with the same headers."""

from collections.abc import Mapping, Sequence


def alike(columns: Sequence[str], proposed: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Field -> column of a file: as another table has it (`known`) where the file has a column of that name, in any
    case; else as the look at the file proposes. No column stands for two fields."""
    taken = known_by_name(columns, known)
    rest = {field: column for field, column in proposed.items() if field not in taken and column not in taken.values()}
    return taken | rest


def known_by_name(columns: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    """Field -> column of a file, where it has the column of that name that another table's mapping has, in any case."""
    own = {column.casefold(): column for column in reversed(columns)}
    return {field: own[column.casefold()] for field, column in known.items() if column.casefold() in own}


def has_columns_of(columns: Sequence[str], known: Mapping[str, str]) -> bool:
    """Whether a file has every column that another table's mapping names, in any case; the price may be
    missing, and what divides its rows."""
    own = {column.casefold() for column in columns}
    return all(column.casefold() in own for field, column in known.items() if field not in ("price", "side", "date"))
