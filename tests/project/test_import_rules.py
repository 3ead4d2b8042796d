"""Every package of the project has a place in the import rules of pyproject.toml."""

import tomllib
from typing import Any

from caicaini_portal.settings import BASE_DIR

RULES: dict[str, Any] = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["tool"][
    "importlinter"
]
# These start, measure or imitate the servers around the product; the product runs without them.
AROUND_THE_PRODUCT = {"devtools", "benchmarks", "docs_recorder", "embedded", "stripe_sandbox"}


def packages() -> set[str]:
    """Return the top-level folders that hold Python modules; nothing imports `tests`."""
    folders = {path.parent.name for path in BASE_DIR.glob("[!.]*/*.py")}
    return folders - {"tests"}


def contract(name: str) -> dict[str, Any]:
    """Return the one contract whose name begins with `name`."""
    [found] = [rules for rules in RULES["contracts"] if rules["name"].startswith(name)]
    return dict(found)


def test_every_package_has_its_layer_in_the_house() -> None:
    layers = contract("Packages")["layers"]

    placed = [package.strip() for layer in layers for package in layer.split("|")]

    assert sorted(placed) == sorted(packages())
    assert set(RULES["root_packages"]) == packages()


def test_every_package_of_the_product_is_kept_from_the_servers_around_it() -> None:
    rule = contract("The product does not import")

    assert set(rule["source_modules"]) == packages() - AROUND_THE_PRODUCT
