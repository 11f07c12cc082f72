"""What is installed: four packages of ours, and nobody else's of the same name."""

from importlib import metadata

import curate


def test_no_other_distribution_owns_our_package_names() -> None:
    owners = metadata.packages_distributions()
    for name in ("curate", "converters", "render", "qa"):
        assert set(owners.get(name, ["hand-curate"])) == {"hand-curate"}


def test_the_version_is_that_of_the_distribution() -> None:
    assert curate.__version__ == metadata.version("hand-curate")


def test_public_names() -> None:
    assert curate.__all__ == ["Dataset", "Sample", "__version__"]
    assert curate.Dataset.__name__ == "Dataset"
    assert curate.Sample.__name__ == "Sample"
