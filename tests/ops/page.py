"""The page of metrics, read as Prometheus reads it."""

from typing import Any

from aiohttp.test_utils import TestClient
from prometheus_client.parser import text_string_to_metric_families


async def metrics(web: TestClient[Any, Any]) -> dict[str, float]:
    """Return every sample that is exported, by name and labels."""
    response = await web.get("/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    return {
        sample.name + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(await response.text())
        for sample in family.samples
    }
