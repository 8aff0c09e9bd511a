"""Says under which licence an installed package stands, in the words of its own metadata."""

from importlib.metadata import metadata, packages_distributions

UNSTATED = "not stated"


def find_licence(package: str) -> str:
    """The licence of the distribution that installs the top-level `package`: expression, classifiers or short text."""
    found = packages_distributions().get(package)
    if not found:
        return "not installed here"
    told = metadata(found[0]).json
    listed = [line.rsplit(" :: ", 1)[1] for line in told.get("classifier", []) if line.startswith("License ::")]
    named = ", ".join(one for one in listed if one != "OSI Approved")
    text = str(told.get("license", "")).strip()
    short = "" if "\n" in text else text  # some have the whole licence there
    return str(told.get("license_expression", "")) or named or short or UNSTATED
