"""Adapters: fine-tuned weights, what they decide about a pricing job, their gate and their way into production."""
