"""Files that people bring: in which formats they may come. How they are read is in worker/ingest."""
