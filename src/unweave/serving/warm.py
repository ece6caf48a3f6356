"""Work like that of requests, to measure a model and to touch its memory before the first of them."""

from __future__ import annotations

from collections.abc import Sequence

from unweave.serving.jobs import Job, Source
from unweave.serving.served import Served
from unweave.signatures.edit import Change, Edit, Move, Set
from unweave.signatures.signature import Signature

_ROWS = 2


def warm_jobs(served: Served) -> Sequence[Job]:
    """Some edits of a black image, or encodings where no factor can be moved."""
    return [Job(served, Source(served.blank()), edit=_some_edit(served)) for _ in range(_ROWS)]


def _some_edit(served: Served) -> Edit | None:
    if served.editor is None or not served.editor.signatures.signatures:
        return None
    first = served.editor.signatures.signatures[0]
    return Edit({first.name: _change(first)})


def _change(signature: Signature) -> Change:
    if signature.path != "classes":
        return Move(0.1)
    names = signature.chart.target.factor.values or ()
    return Set(names[signature.classes[0]])
