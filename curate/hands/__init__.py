"""A hand's photograph, and what is done to it: finding the hand, cutting it out, drawing on it."""
