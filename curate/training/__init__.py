"""Training any network: examples, augmentation, the loop, the run folder."""
