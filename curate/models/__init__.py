"""Networks, their losses and decoders: the only nouns that import torch."""
