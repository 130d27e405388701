"""Style sheets, scripts, fonts and icons under addresses that hold a hash of their content.

static/build.mjs makes the files and the manifest; this module only reads and serves them. A browser
keeps each for ever, because a changed file has another address. Knows no page and no slice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from flask import Flask, Response, abort, current_app, request

from workshops.web.access import PUBLIC, access

#: The address under which the files are served.
STATIC_PATH = "/static"
#: What every page needs; the rest of the manifest is fonts and icons.
NEEDED = ("site.css", "site.js", "design-system.css", "design-system.js", "icons.svg")
#: Said here, because what the module mimetypes answers depends on the machine (text/javascript above all).
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_HOW_TO_BUILD = (
    "Run `python3 dev.py run`, or `npm ci --ignore-scripts` and `node build.mjs` in the folder static, to build it."
)


class AssetsMissing(RuntimeError):
    """The style sheets and scripts are not built, or not completely; the message says what to run."""


def read_manifest(dist: Path) -> dict[str, str]:
    """Which file stands for which name: {"site.css": "site.1a2b3c4d5e6f.css"}.

    dist: the folder that static/build.mjs made. Raises AssetsMissing.
    """
    problem = assets_problem(dist)
    if problem is not None:
        raise AssetsMissing(problem)
    manifest: dict[str, str] = json.loads((dist / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def assets_problem(dist: Path) -> str | None:
    """What is wrong with the built files, in one sentence for `flask check`; None when all is there."""
    try:
        manifest = json.loads((dist / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return f"The look of the pages is not built yet. {_HOW_TO_BUILD}"
    except (OSError, ValueError):
        return f"The list of built files cannot be read. {_HOW_TO_BUILD}"
    if not isinstance(manifest, dict):
        return f"The list of built files cannot be read. {_HOW_TO_BUILD}"
    missing = [name for name in NEEDED if name not in manifest]
    missing += [name for name, file in manifest.items() if not (dist / str(file)).is_file()]
    if missing:
        return f"Built files are missing: {', '.join(sorted(missing))}. {_HOW_TO_BUILD}"
    return None


def asset_url(name: str) -> str:
    """The address of a file by its plain name: "site.css" -> "/static/site.1a2b3c4d5e6f.css".

    Raises KeyError for a name that the build does not know: a slip in a template, seen at once.
    """
    manifest: Mapping[str, str] = current_app.extensions["workshops.assets"]
    return f"{STATIC_PATH}/{manifest[name]}"


def init_assets(app: Flask, dist: Path) -> None:
    """Serve the files of dist and give templates `asset(name)`. Raises AssetsMissing when it is not built.

    The files are read once and held in memory (about a megabyte): none changes while the application runs.
    """
    manifest = read_manifest(dist)
    addresses = {name: f"{STATIC_PATH}/{file}" for name, file in manifest.items()}
    files = {file: _read(dist, file) for file in manifest.values()}
    app.extensions["workshops.assets"] = manifest
    app.jinja_env.globals["asset"] = addresses.__getitem__

    @app.get(f"{STATIC_PATH}/<path:filename>")
    @access(PUBLIC)
    def static_file(filename: str) -> Response:
        if filename not in files:
            abort(404)
        return _answer(filename, *files[filename])


def _read(dist: Path, file: str) -> tuple[bytes, bytes | None]:
    """A file, and its compressed twin where the build made one."""
    twin = dist / f"{file}.gz"
    return (dist / file).read_bytes(), twin.read_bytes() if twin.is_file() else None


def _answer(filename: str, plain: bytes, zipped: bytes | None) -> Response:
    suffix = Path(filename).suffix
    use_zipped = zipped is not None and request.accept_encodings["gzip"] > 0
    response = Response(zipped if use_zipped else plain, content_type=_TYPES.get(suffix, "application/octet-stream"))
    if use_zipped:
        response.headers["Content-Encoding"] = "gzip"
    if zipped is not None:
        response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.set_etag(f"{filename}-gz" if use_zipped else filename)
    response.make_conditional(request)
    return response
