"""One module per command: `add` declares its options, `run` makes one call into the library."""
