"""QA: checks a dataset and shows a person what to look at."""
