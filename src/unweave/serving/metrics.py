"""Metrics of one server for Prometheus. docs/serving.md says what each of them means."""

from __future__ import annotations

import functools
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """All metrics of a server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        of = self.registry
        ProcessCollector(registry=self.registry)
        self.requests = Counter("unweave_requests_total", "Requests answered.", ("route", "status"), registry=of)
        self.seconds = Histogram(
            "unweave_request_seconds",
            "From the head of a request to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=of,
        )
        self.open_requests = Gauge("unweave_requests_open", "Requests that are being answered.", registry=of)
        self.stage_seconds = Histogram(
            "unweave_stage_seconds",
            "Parts of an edit: compute (a batch), wait for that; for large images also read and write.",
            ("stage",),
            buckets=_SECONDS,
            registry=of,
        )
        self.waiting = Gauge("unweave_queue_requests", "Requests that wait for the graphs.", registry=of)
        self.wait_estimate = Gauge(
            "unweave_queue_seconds", "What is under way will take so long, as measured.", registry=of
        )
        self.restarts = Counter(
            "unweave_worker_restarts_total", "How often the process that computes ended and was started.", registry=of
        )
        self.batch_rows = Histogram(
            "unweave_batch_rows", "Rows that the graphs computed at once.", buckets=_ROWS, registry=of
        )
        self.refused = Counter(
            "unweave_refused_total",
            "Requests refused for load: busy (unread), queue (full), deadline, images, rate (of a tenant).",
            ("why",),
            registry=of,
        )
        self.cache = Counter("unweave_cache_total", "Looks into the caches.", ("kind", "layer", "result"), registry=of)
        self.cache_bytes = Gauge("unweave_cache_bytes", "Bytes in the cache of this process.", registry=of)
        self.redis_failures = Counter(
            "unweave_redis_failures_total", "Calls of Redis that failed or took too long.", registry=of
        )
        self.redis_resting = Gauge("unweave_redis_resting", "1 while Redis is left alone after failures.", registry=of)
        self.log_waiting = Gauge("unweave_edit_log_waiting", "Records of edits that wait for the store.", registry=of)
        self.log_dropped = Counter("unweave_edit_log_dropped_total", "Records of edits that were lost.", registry=of)
        self.store_failures = Counter("unweave_store_failures_total", "Calls of the store that failed.", registry=of)
        self.feedback = Counter(
            "unweave_feedback_total", "Feedback that was kept, by verdict.", ("verdict",), registry=of
        )
        self.loaded = Gauge(
            "unweave_model_info", "1 for the bundle of each model that is served.", ("model", "digest"), registry=of
        )
        self.reloads = Counter(
            "unweave_reloads_total", "New versions of models: loaded, or broken.", ("model", "result"), registry=of
        )
        self.stale = Gauge(
            "unweave_model_stale", "1 while a newer version is there that cannot be loaded.", ("model",), registry=of
        )

        # Finding a child by its labels takes longer than to count in it. There are few: routes, statuses, stages.
        self.answered: Callable[[str, int], Counter] = functools.cache(self.requests.labels)
        self.took: Callable[[str], Histogram] = functools.cache(self.seconds.labels)
        self.stage: Callable[[str], Histogram] = functools.cache(self.stage_seconds.labels)
        self.looked: Callable[[str, str, str], Counter] = functools.cache(self.cache.labels)

    def text(self) -> bytes:
        """What Prometheus reads."""
        return generate_latest(self.registry)
