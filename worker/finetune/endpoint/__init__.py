"""Fine-tunes behind an endpoint: files go up, a model comes back, nothing is ordered twice."""
