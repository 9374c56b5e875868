"""Learning anew on parts of the known rows and pricing others: cross-fitting of small tables, rolling origins."""
