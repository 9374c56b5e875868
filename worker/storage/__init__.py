"""What takes space, how long it is kept, and how it is freed."""
