"""Faults on a stack that is made for it, and what became of the work: `pricewright chaos`."""
