"""The options of each command, and the values that they allow.

Nothing here imports more than it takes to read a command line, so that `--help` comes at once.
"""
