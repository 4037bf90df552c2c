"""Flower: the server's aggregation of its clients' F1."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from typing import Any

from flwr.app import Message, MetricRecord, RecordDict
from flwr.serverapp.strategy import FedAvg
from flwr.supercore.task_identity import TaskIdentity

from batchf1.programs import example
from batchf1.programs.protocol import Case, emit, format_batches


def measured(n: int) -> Iterator[Case]:
    """Yield F1 of clients, each with a batch of the example, and F1 of their counts."""
    clients = example.batches(n)
    seen = format_batches(*([client] for client in clients))
    instead = "counts, each divided by `num-examples`; F1 of what the server gives"
    f1 = _aggregated([{"f1": _f1(client)} for client in clients], clients)["f1"]
    yield Case('`MetricRecord({"f1": f1, "num-examples": n})`, `FedAvg()`', f1, seen, instead)
    counts = _aggregated([_shares(client) for client in clients], clients)
    rebuilt = 2 * counts["tp"] / (counts["predicted"] + counts["positives"])
    yield Case(
        "counts, each divided by `num-examples`, in `MetricRecord`, `FedAvg()`; F1 of them",
        rebuilt,
        seen,
    )


def _f1(client: list[int]) -> float:
    return example.f1(example.LABELS[client], example.SCORES[client])


def _shares(client: list[int]) -> dict[str, float]:
    true, called = example.LABELS[client] > 0.5, example.SCORES[client] > 0.5
    found = {"tp": true & called, "predicted": called, "positives": true}
    return {name: float(each.mean()) for name, each in found.items()}


def _aggregated(metrics: list[dict[str, float]], clients: list[list[int]]) -> Any:
    replies = []
    for found, client in zip(metrics, clients, strict=True):
        record = MetricRecord({**found, "num-examples": len(client)})
        content = RecordDict({"metrics": record})
        replies.append(Message(content, dst_node_id=1, message_type="evaluate"))
    return FedAvg().aggregate_evaluate(1, replies)


if __name__ == "__main__":
    # a message names who sent it; a server sets these when it starts
    TaskIdentity.task_id = TaskIdentity.run_id = TaskIdentity.node_id = 1
    emit("Flower", importlib.metadata.version("flwr"), measured)
