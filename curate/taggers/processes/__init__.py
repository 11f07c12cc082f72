"""What runs in a Python of its own: a file here imports nothing of curate, and is called as no package."""
