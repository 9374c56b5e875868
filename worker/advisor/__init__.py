"""What this analyst's own runs say about each way of using a language model, and what to try next."""
