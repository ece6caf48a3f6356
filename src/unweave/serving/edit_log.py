"""The edit log on its way to the store: off the path of requests, bounded, and never waited for."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Sequence

from unweave.core.errors import StoreError, UnweaveError
from unweave.serving.metrics import Metrics
from unweave.stores.records import EditRecord
from unweave.stores.store import Store

_AT_ONCE = 500
_FIRST_REST_S, _LONGEST_REST_S = 0.2, 5.0

_COLLECT_S = 0.2
"""Seconds in which records collect: a transaction each would take a third of the time that edits take."""


class EditLog:
    """Records of edits that wait, and the thread that writes them.

    A record stays here until the store has it, so feedback on an edit of a moment ago finds it. When more wait than
    may, the new ones are lost, and a metric says how many.

    Args:
        store: where they go.
        most: that wait at most.
        metrics: of the server.
    """

    def __init__(self, store: Store, most: int, metrics: Metrics) -> None:
        self._store, self._most, self._metrics = store, most, metrics
        self._waiting: OrderedDict[str, EditRecord] = OrderedDict()
        self._change = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="edit-log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def add(self, record: EditRecord) -> None:
        """Write a record soon; or lose it, where too many wait."""
        with self._change:
            if len(self._waiting) >= self._most:
                self._metrics.log_dropped.inc()
                return
            self._waiting[record.id] = record
            self._metrics.log_waiting.set(len(self._waiting))
            if len(self._waiting) in (1, _AT_ONCE):  # what the thread may be waiting for
                self._change.notify()

    def bring_in(self, edit_ids: Sequence[str]) -> None:
        """Write these records now if they wait, so that something may be said of them. Blocks.

        Raises:
            StoreError: they cannot be written.
        """
        with self._change:
            records = [self._waiting[name] for name in edit_ids if name in self._waiting]
        if records:
            self._write(records)

    def stop(self, seconds: float) -> None:
        """Write what waits, for some seconds at most. Blocks; what is left is lost, and counted."""
        with self._change:
            self._stopping = True
            self._change.notify()
        if self._thread.is_alive():
            self._thread.join(seconds)
        with self._change:
            self._metrics.log_dropped.inc(len(self._waiting))

    def _work(self) -> None:
        rest = _FIRST_REST_S
        while True:
            with self._change:
                while not self._waiting and not self._stopping:
                    self._change.wait()
                self._change.wait_for(lambda: self._stopping or len(self._waiting) >= _AT_ONCE, _COLLECT_S)
                if not self._waiting and self._stopping:
                    return
                records = list(itertools.islice(self._waiting.values(), _AT_ONCE))
            try:
                if records:
                    self._write(records)
                rest = _FIRST_REST_S
            except StoreError:
                self._metrics.store_failures.inc()
                self._pause(rest)
                rest = min(2 * rest, _LONGEST_REST_S)
            except UnweaveError:  # one of them cannot be stored: the others must not wait for it
                self._one_by_one(records)

    def _one_by_one(self, records: Sequence[EditRecord]) -> None:
        for record in records:
            try:
                self._write([record])
            except StoreError:
                return
            except UnweaveError:
                self._metrics.log_dropped.inc()
                self._forget([record])

    def _pause(self, seconds: float) -> None:
        with self._change:
            if not self._stopping:
                self._change.wait_for(lambda: self._stopping, seconds)
                return
        threading.Event().wait(min(seconds, _FIRST_REST_S))

    def _write(self, records: Sequence[EditRecord]) -> None:
        self._store.edits.log(records)  # a record that is there already stays as it is
        self._forget(records)

    def _forget(self, records: Sequence[EditRecord]) -> None:
        with self._change:
            for record in records:
                self._waiting.pop(record.id, None)
            self._metrics.log_waiting.set(len(self._waiting))
