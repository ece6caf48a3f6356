"""The studio as a server shows it."""

from __future__ import annotations

from unweave.serving.app import Page
from unweave.studio.files import static_folder

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy: nothing but the page's own files, pictures that the person gives, and this server."""


def studio_page() -> Page:
    """The page under `/studio`, to which `/` leads."""
    return Page(static_folder(), "/studio", POLICY)
