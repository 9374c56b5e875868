"""What a process tells of itself to those who run it: metrics, log lines, traces."""
