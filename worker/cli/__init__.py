"""`pricewright …`: the verbs of the pages, for a terminal and for scripts."""
