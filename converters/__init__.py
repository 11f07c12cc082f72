"""Converters: a module a format, a row each in `converters.table`; `converters.parts` is what they share."""
