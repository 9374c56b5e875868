"""Fine-tuning on this machine: examples in, a LoRA adapter out."""
