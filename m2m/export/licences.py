"""Finds the licence of an installed package in its metadata."""

from importlib.metadata import metadata, packages_distributions

UNSTATED = "not stated"


def find_licence(package: str) -> str:
    """The licence of the distribution that installs the top-level `package`: expression, classifiers or short text."""
    distributions = packages_distributions().get(package)
    if not distributions:
        return "not installed here"
    fields = metadata(distributions[0]).json
    listed = [line.rsplit(" :: ", 1)[1] for line in fields.get("classifier", []) if line.startswith("License ::")]
    named = ", ".join(name for name in listed if name != "OSI Approved")
    text = str(fields.get("license", "")).strip()
    short = "" if "\n" in text else text  # some packages put the whole licence text here
    return str(fields.get("license_expression", "")) or named or short or UNSTATED
