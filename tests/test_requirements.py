"""The pinned packages: those of the figures, those of the tools beside them, and conda's."""

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires

import pytest
import yaml
from packaging.requirements import Requirement

FILES = ("requirements.txt", "requirements-dev.txt", "requirements-paper.txt")
TOOLS = {"hypothesis", "mypy", "pytest", "ruff", "sphinx"}
PYTHON = {"python_version": "3.11", "python_full_version": "3.11.0"}
"""What the pins are made for."""


@pytest.fixture(scope="module")
def pinned(repository):
    return {name: _pins(repository / name) for name in FILES}


@pytest.fixture(scope="module")
def project(repository):
    return tomllib.loads((repository / "pyproject.toml").read_text())["project"]


def _pins(path):
    """Package -> its requirement without hashes, and the hashes."""
    parts = path.read_text().replace("\\\n", " ").splitlines()
    pins = [
        re.fullmatch(r"(.+?)((?: +--hash=sha256:[0-9a-f]{64})+)", part.strip()) for part in parts
    ]
    assert all(pins), [part[:60] for part, pin in zip(parts, pins, strict=True) if not pin]
    return {Requirement(pin[1]).name: (Requirement(pin[1]), set(pin[2].split())) for pin in pins}


def _version(pin):
    return str(pin[0].specifier).removeprefix("==")


def _needed(names):
    """The packages that some need, as far as they are installed here, extras and all."""
    found, left = set(), [Requirement(name) for name in names]
    while left:
        requirement = left.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        wanted = {(name, extra) for extra in ("", *requirement.extras)} - found
        found |= wanted
        for extra in (extra for _, extra in wanted):
            parts = [Requirement(text) for text in _requires(name)]
            left += [part for part in parts if _applies(part, extra)]
    return {name for name, _ in found}


def _requires(name):
    try:
        return requires(name) or []
    except PackageNotFoundError:  # pinned later than the environment that this runs in
        return []


def _applies(requirement, extra):
    return requirement.marker is None or requirement.marker.evaluate({**PYTHON, "extra": extra})


def test_no_pin_has_an_address(repository):
    for name in FILES:
        assert not re.search(r"://|@|--(extra-)?index|--find", (repository / name).read_text())


def test_every_pin_is_one_version_with_hashes_which_make_demands(repository, pinned):
    for pins in pinned.values():
        assert all(re.fullmatch(r"==[^,*]+", str(pin.specifier)) for pin, _ in pins.values())
    recipes = (repository / "Makefile").read_text().splitlines()
    installs = [line for line in recipes if "--requirement" in line and "$(PIP)" in line]
    assert len(installs) == len(FILES)
    assert all("--require-hashes" in line for line in installs)


def test_the_tools_are_pinned_beside_what_the_figures_need_at_the_same_versions(pinned):
    figures, tools, paper = (pinned[name] for name in FILES)
    assert set(tools) - set(figures) >= TOOLS
    assert set(paper) - set(tools) >= {"rocrate", "typst"}
    for one, others in ((figures, tools), (tools, paper), (figures, paper)):
        for name in one.keys() & others.keys():
            (pin, hashes), (other, other_hashes) = one[name], others[name]
            assert (pin.specifier, hashes) == (other.specifier, other_hashes), name
    assert set(figures) <= set(tools)


def test_the_pins_hold_for_every_python_that_is_promised(pinned):
    """A package that only some Pythons need is pinned with a marker, or pip refuses the others."""
    for pins in (pinned[name] for name in FILES[:2]):
        for minor in ("3.11", "3.12", "3.13"):
            python = {"python_version": minor, "python_full_version": f"{minor}.9"}
            chosen = [
                pin for pin, _ in pins.values() if not pin.marker or pin.marker.evaluate(python)
            ]
            assert len(chosen) > 100
    tools = pinned["requirements-dev.txt"]
    assert tools["pyyaml-ft"][0].marker.evaluate({"python_full_version": "3.13.2"})
    assert not tools["pyyaml-ft"][0].marker.evaluate({"python_full_version": "3.12.2"})


def test_every_requirement_is_pinned(pinned, project):
    extras = project["optional-dependencies"]
    for extra, name in (
        ("workflow", FILES[0]),
        ("slurm", FILES[0]),
        ("dev", FILES[1]),
        ("paper", FILES[2]),
    ):
        parts = [Requirement(text) for text in [*project["dependencies"], *extras[extra]]]
        for part in (part for part in parts if part.name != "batchf1"):
            assert part.specifier.contains(_version(pinned[name][part.name.lower()])), part


@pytest.mark.skipif(sys.platform != "linux", reason="the pins are Linux's")
def test_the_figures_get_what_they_need_and_no_more(pinned, project):
    extras = project["optional-dependencies"]
    names = [*project["dependencies"], *extras["keras"], *extras["workflow"], *extras["slurm"]]
    needed = _needed([name for name in names if not name.startswith("batchf1")])
    assert set(pinned[FILES[0]]) == needed


def test_conda_installs_the_same_pins(repository, pinned):
    environment = yaml.safe_load((repository / "environment.yml").read_text())
    (pip,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    assert [Requirement(line) for line in pip] == [pin for pin, _ in pinned[FILES[0]].values()]
    others = [part for part in environment["dependencies"] if isinstance(part, str)]
    assert {part.split("=")[0] for part in others} == {"python", "pip"}
