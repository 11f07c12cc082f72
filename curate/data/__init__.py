"""Samples, datasets and the stages that make them."""
