"""How wrong and how dear techniques are, and what that supports: frame in, frame or value out, no I/O."""
