"""Metrics: what is measured on embeddings or audio, with its bias and its interval."""
