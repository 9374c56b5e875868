"""From the bytes of an uploaded file to items, rejects, a profile and splits; pure, no database."""
