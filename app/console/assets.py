"""The style sheet and scripts of pages."""

from pathlib import Path

from app.web_assets import Asset, read_asset

FOLDER = Path(__file__).parent / "assets"
FILES = {
    "style": "console.css",
    "htmx": "htmx/htmx.min.js",
    "csp": "htmx/hx-csp.min.js",
    "script": "console.js",
}


def read_assets() -> dict[str, Asset]:
    """Return the assets by the names that templates use; raise OSError without a file."""
    return {
        name: read_asset(FOLDER / file, "/console/assets", compress=True)
        for name, file in FILES.items()
    }
