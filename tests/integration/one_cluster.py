"""What `--executor` is told: factories of executors."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from distributed import Client, LocalCluster

CLIENTS: list[tuple[Client, LocalCluster]] = []


def dask() -> Executor:
    """Two processes of Dask's, on this computer."""
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    client = Client(cluster)
    CLIENTS.append((client, cluster))
    executor: Executor = client.get_executor()
    return executor


def close() -> None:
    while CLIENTS:
        for each in CLIENTS.pop():
            each.close()


def thread() -> Executor:
    return ThreadPoolExecutor(1)


def nothing() -> Any:
    return 5
