"""Product tables of which every cell is known, written as people's files are: dialect by dialect, noise by noise."""
