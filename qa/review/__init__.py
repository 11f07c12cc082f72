"""Looking through by eye: the review page, Labelme, and what was decided in either."""
