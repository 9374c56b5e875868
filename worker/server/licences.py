"""`python -m worker.server.licences`: the licence of every package that is installed, as the packages say it."""

from collections.abc import Iterator
from importlib.metadata import Distribution, distributions

_LONGEST = 60  # letters; some packages put the whole text there


def licence(package: Distribution) -> str:
    """The licence of a package: its SPDX expression, else its classifiers, else what it says in a line."""
    about = package.metadata
    if expression := "".join(about.get_all("License-Expression") or []):
        return expression
    classes = [
        value.rpartition(" :: ")[2] for value in about.get_all("Classifier") or [] if value.startswith("License :: ")
    ]
    if named := [name for name in classes if name != "OSI Approved"]:
        return " / ".join(named)
    said = "".join(about.get_all("License") or []).strip().partition("\n")[0]
    return said if said and len(said) <= _LONGEST else "not said"


def listed() -> Iterator[tuple[str, str, str]]:
    """Name, version and licence of every package, by name."""
    found = {str(package.metadata["Name"]): package for package in distributions() if package.metadata["Name"]}
    for name in sorted(found, key=str.lower):
        yield name, found[name].version, licence(found[name])


if __name__ == "__main__":
    for row in listed():
        print("\t".join(row))
