"""What each command can be told: its options, and the words that they allow.

Nothing here imports more than it takes to read a command line, so that `--help` comes at once.
"""
