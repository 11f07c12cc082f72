"""Converters: one module and one row of `converters.table` per format; `converters.parts` is shared code."""
