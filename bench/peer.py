"""The peer's side, in the peer's own environment: `python bench/peer.py merge|batch|single ADDRESS FOLDER [DATABASE]`.

dlt as its documentation has it: the rest_api source with a cursor paginator, merge on the primary key, or a custom
destination that posts what it is given; default loader settings. Prints seconds of the pipeline alone and peak memory.
"""

import json
import os
import resource
import sys
import time
import uuid
from typing import Any


def main(case: str, address: str, folder: str, database: str = "") -> None:
    os.environ |= {"DLT_DATA_DIR": folder, "RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    import dlt
    from dlt.sources.rest_api import rest_api_source

    source = rest_api_source(
        {
            "client": {
                "base_url": address,
                "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "after"},
            },
            "resources": [
                {
                    "name": "customers",
                    "primary_key": "id",
                    "write_disposition": "merge" if case == "merge" else "append",
                    "endpoint": {"path": "customers", "params": {"limit": 500}, "data_selector": "data"},
                }
            ],
        }
    )
    destination = dlt.destinations.postgres(database) if case == "merge" else poster(case, address)
    pipeline = dlt.pipeline(case, pipelines_dir=folder, destination=destination, dataset_name="peer")
    started = time.perf_counter()
    pipeline.run(source).raise_on_failed_jobs()
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def poster(case: str, address: str) -> Any:
    """A custom destination: 500 records a request, or one."""
    import dlt
    import requests

    session = requests.Session()

    @dlt.destination(batch_size=500 if case == "batch" else 1, name=case)
    def post(items: Any, table: Any) -> None:
        if case == "batch":
            session.post(f"{address}/bulk", json=items, timeout=30).raise_for_status()
            return
        for item in items if isinstance(items, list) else [items]:
            headers = {"Idempotency-Key": str(uuid.uuid4())}
            session.post(f"{address}/customers", json=item, headers=headers, timeout=30).raise_for_status()

    return post()


if __name__ == "__main__":
    main(*sys.argv[1:])
