"""Sources: the datasets that techniques learn from, which of them a table resembles, and what did best there."""
