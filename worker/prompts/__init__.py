"""The words around a product: templates that people write, rendered without letting either side break out."""
