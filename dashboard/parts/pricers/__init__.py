"""The parts of the Pricers page: what is in use, what it promises, and a new file to price with it."""
