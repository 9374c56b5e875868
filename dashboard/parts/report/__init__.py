"""The report of a comparison: what it says, section by section, and the files it can be taken away in."""
