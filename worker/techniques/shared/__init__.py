"""What several techniques need: prompts, neighbours, text as numbers."""
