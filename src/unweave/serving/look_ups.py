"""Questions to the store that requests wait for, each for as long as it can afford."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

from unweave.core.errors import StoreUnavailableError

T = TypeVar("T")


class LookUps:
    """A question is asked once for all who want to know meanwhile, and goes on when nobody waits for it any longer: a
    store that is always late still tells what has changed."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, tuple[asyncio.Task[Any], float]] = {}

    async def ask(self, name: Hashable, question: Callable[[], Coroutine[Any, Any, T]], *, within: float) -> T:
        """The answer.

        Args:
            name: equal for equal questions.
            question: asks, and keeps the answer where it has to be kept.
            within: seconds since it was asked, maybe by somebody else, after which this one waits no longer.

        Raises:
            StoreUnavailableError: there is no answer in time.
            StoreError: see the question.
        """
        now = asyncio.get_running_loop().time()
        found = self._under_way.get(name)
        if found is None:
            found = asyncio.create_task(question()), now
            self._under_way[name] = found
            found[0].add_done_callback(lambda task: self._ended(name, task))
        task, began = found
        await asyncio.wait({task}, timeout=max(0.0, began + within - now))
        if not task.done():
            raise StoreUnavailableError("the store is late.")
        answer: T = task.result()
        return answer

    def _ended(self, name: Hashable, task: asyncio.Task[Any]) -> None:
        self._under_way.pop(name, None)
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits for it any longer
