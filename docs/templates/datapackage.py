"""Text of figures/datapackage.json: the tables of the figures as a Frictionless Data Package."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from batchf1.records.columns import Schema
from batchf1.records.provenance_of_file import record_path
from templates.tables import schemas


def context(root: Path) -> dict[str, object]:
    """Return the package as JSON."""
    return {"package": json.dumps(package(root), indent=1, ensure_ascii=False)}


def package(root: Path) -> dict[str, Any]:
    """Return the description of the figures' tables, by the Frictionless specification."""
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    figures = {
        path: schema for path, schema in schemas(root).items() if path.startswith("figures/")
    }
    return {
        "profile": "tabular-data-package",
        "name": project["name"],
        "title": citation["title"],
        "description": project["description"],
        "version": citation["version"],
        "keywords": citation["keywords"],
        "licenses": [{"name": citation["license"]}],
        "contributors": [
            {"title": author["name"], "role": "author"} for author in citation["authors"]
        ],
        "sources": [{"title": of["title"], "path": of["url"]} for of in citation["references"]],
        "resources": [resource(root / path, schema) for path, schema in figures.items()],
    }


def resource(path: Path, schema: Schema) -> dict[str, Any]:
    """Return the description of a table."""
    content = path.read_bytes()
    record = json.loads(record_path(path).read_text(encoding="utf-8"))
    names = pd.read_csv(path, nrows=0).columns
    described = [(name, schema.column(name)) for name in names]
    return {
        "profile": "tabular-data-resource",
        "name": path.stem,
        "path": path.name,
        "description": schema.rows,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{record['sha256']}",
        "sources": [{"title": source["file"]} for source in record["sources"]],
        "schema": {
            "fields": [column.field(name) for name, column in described if column],
            "missingValues": [""],
            **({"primaryKey": key} if (key := schema.primary_key(names)) else {}),
        },
    }
