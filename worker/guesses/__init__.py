"""A person's guesses of prices, beside what techniques said of the same rows."""
