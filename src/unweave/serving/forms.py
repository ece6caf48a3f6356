"""Forms with files, `multipart/form-data` (RFC 7578), from bodies that are in memory."""

from __future__ import annotations

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from unweave.serving.refusals import Refused

_MOST_PARTS = 16
_MOST_LINES, _LONGEST_LINE = 8, 4096
_LONGEST_BOUNDARY = 200


def read_form(content_type: str, body: bytes) -> dict[str, bytes]:
    """Parts of a form by name; names of files are not looked at.

    Args:
        content_type: header of the request, which names the boundary.
        body: of the request.

    Raises:
        Refused: it is none, a name comes twice, or there are too many parts.
    """
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise _no_form("expected multipart/form-data with a boundary.")
    found: dict[str, bytes] = {}
    name, content = "", bytearray()
    try:
        with PushMultipartParser(
            boundary, max_header_size=_LONGEST_LINE, max_header_count=_MOST_LINES, max_segment_count=_MOST_PARTS
        ) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    name, content = event.name or "", bytearray()
                    if not name or name in found:
                        raise _no_form("expected parts with a name, and each name once.")
                elif event is not None:
                    content += event
                else:
                    found[name] = bytes(content)
    except MultipartError as error:  # its first argument says what, and nothing of what was sent
        what = str(error.args[0]).removesuffix(" (parser closed)")
        raise _no_form(f"the form cannot be read: {what}. Check the boundary, and that it ends.") from error
    return found


def _no_form(message: str) -> Refused:
    return Refused(400, "not_a_form", message)
