from tests.training_sets import make_run, make_set, toys

__all__ = ["make_run", "make_set", "toys"]
