"""How an endpoint is reached: its client, its errors in words, its tariffs, and what its models can do."""
