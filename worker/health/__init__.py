"""Whether a process is alive, makes progress and can work, asked over HTTP on a port of its own."""
