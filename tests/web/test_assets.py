"""Built files: hashed addresses, kept by browsers for ever, and a clear word when they are missing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from flask import Flask, render_template_string

from workshops.web.access import PUBLIC, declared
from workshops.web.assets import NEEDED, AssetsMissing, asset_url, assets_problem, init_assets

STATIC = Path(__file__).resolve().parents[2] / "static"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    manifest = {}
    for name in (*NEEDED, "roboto-latin-400.woff2"):
        stem, _, suffix = name.rpartition(".")
        manifest[name] = f"{stem}.0123456789ab.{suffix}"
        (tmp_path / manifest[name]).write_bytes(f"content of {name}".encode())
    zipped = tmp_path / f"{manifest['site.css']}.gz"
    zipped.write_bytes(gzip.compress(b"content of site.css"))
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


@pytest.fixture
def app(dist: Path) -> Flask:
    app = Flask("assets", static_folder=None)
    init_assets(app, dist)
    return app


def test_templates_and_code_get_the_hashed_address(app: Flask) -> None:
    with app.test_request_context():
        assert asset_url("site.css") == "/static/site.0123456789ab.css"
        assert render_template_string("{{ asset('site.js') }}") == "/static/site.0123456789ab.js"


def test_an_unknown_name_is_an_error_at_once(app: Flask) -> None:
    with app.test_request_context(), pytest.raises(KeyError):
        render_template_string("{{ asset('sight.css') }}")


def test_a_file_may_be_kept_for_a_year_and_has_its_type(app: Flask) -> None:
    answer = app.test_client().get("/static/site.0123456789ab.js")
    assert answer.data == b"content of site.js"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"


def test_a_browser_that_takes_gzip_gets_it(app: Flask) -> None:
    client = app.test_client()
    zipped = client.get("/static/site.0123456789ab.css", headers={"Accept-Encoding": "gzip, br"})
    plain = client.get("/static/site.0123456789ab.css")
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.data) == plain.data == b"content of site.css"
    assert zipped.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert zipped.headers["Content-Type"] == plain.headers["Content-Type"] == "text/css; charset=utf-8"
    assert zipped.headers.get("ETag") != plain.headers.get("ETag")


@pytest.mark.parametrize(
    "name", ["manifest.json", "site.css", "../secret", "%2e%2e/secret", "site.0123456789ab.css.gz"]
)
def test_nothing_else_is_served(app: Flask, name: str) -> None:
    assert app.test_client().get(f"/static/{name}").status_code == 404


def test_the_route_is_public(app: Flask) -> None:
    assert declared(app, "static_file") is PUBLIC


def test_without_a_build_the_application_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(AssetsMissing, match="python3 dev.py run"):
        init_assets(Flask("assets", static_folder=None), tmp_path)


def test_a_broken_build_is_told_from_a_whole_one(dist: Path) -> None:
    assert assets_problem(dist) is None
    (dist / "roboto-latin-400.0123456789ab.woff2").unlink()
    assert "roboto-latin-400.woff2" in (assets_problem(dist) or "")
    (dist / "manifest.json").write_text("{")
    assert "cannot be read" in (assets_problem(dist) or "")


def test_the_lock_file_has_hashes_and_no_address() -> None:
    packages = json.loads((STATIC / "package-lock.json").read_text())["packages"]
    assert {name for name, entry in packages.items() if name and not entry.get("integrity")} == set()
    assert {name for name, entry in packages.items() if "resolved" in entry} == set()


def test_our_own_files_name_no_other_website() -> None:
    for name in ("site.css", "site.js"):
        assert "http:" not in (STATIC / name).read_text().replace('a[href^="http"]', "")
        assert "https:" not in (STATIC / name).read_text()


def test_who_has_a_file_is_told_so(app: Flask) -> None:
    client = app.test_client()
    tag = client.get("/static/site.0123456789ab.css").headers["ETag"]
    assert client.get("/static/site.0123456789ab.css", headers={"If-None-Match": tag}).status_code == 304
