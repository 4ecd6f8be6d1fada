"""The docs page over real HTTP: everything it needs comes from the service itself."""

import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import httpx2
import pytest

import app.http.docs
from app.web_assets import read_asset

FOLDER = Path(app.http.docs.__file__).parent / "swagger_ui"
README = (FOLDER / "README.md").read_text("utf-8")
SUMS: dict[str, str] = dict(re.findall(r"\| `(.+)` \| `([0-9a-f]{64})` \|\n", README))


def test_the_readme_lists_every_file() -> None:
    assert set(SUMS) | {"README.md"} == {file.name for file in FOLDER.iterdir()}


@pytest.mark.parametrize("name", SUMS)
def test_a_file_is_as_published(name: str) -> None:
    assert sha256((FOLDER / name).read_bytes()).hexdigest() == SUMS[name]


def test_the_path_of_an_asset_has_its_digest() -> None:
    style = read_asset(FOLDER / "swagger-ui.css", "/assets")

    assert style.path == f"/assets/{SUMS['swagger-ui.css'][:16]}/swagger-ui.css"
    assert sha256(style.body).hexdigest() == SUMS["swagger-ui.css"]


def test_only_scripts_and_style_sheets_are_assets() -> None:
    with pytest.raises(KeyError):
        read_asset(FOLDER.parent / "page.html", "/assets")


def test_a_missing_file_stops_the_start() -> None:
    with pytest.raises(FileNotFoundError):
        read_asset(FOLDER / "missing.js", "/assets")


class Page(HTMLParser):
    """Collects what a page loads or links, its title, and whether it has script or style inline."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.title = ""
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.addresses += [
            value or "" for name, value in attrs if name in ("src", "href", "action")
        ]
        self.inline += [name for name, _ in attrs if name == "style" or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's signature
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open == "title":
            self.title += data
        if self._open in ("script", "style") and data.strip():
            self.inline.append(data)


@pytest.fixture
def page(client: httpx2.Client) -> Page:
    return Page(client.get("/docs").text)


def loaded(page: Page) -> list[str]:
    return [address for address in page.addresses if address.startswith("/docs/assets/")]


def test_the_page_is_html_with_the_title(client: httpx2.Client, page: Page) -> None:
    answer = client.get("/docs")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert page.title == "Things <i>& more"  # escaped in the page, or the parser would see a tag


def test_the_page_names_no_other_host(client: httpx2.Client, page: Page) -> None:
    assert "//" not in client.get("/docs").text.replace("<!DOCTYPE html>", "")
    assert {address[:6] for address in page.addresses} == {"data:,", "/docs/"}


def test_the_page_has_no_inline_script_or_style(page: Page) -> None:
    assert page.inline == []


def test_everything_that_the_page_loads_has_its_type_and_is_cacheable(
    client: httpx2.Client, page: Page
) -> None:
    answers = {address.rsplit("/", 1)[1]: client.get(address) for address in loaded(page)}

    assert {name: answer.headers["content-type"] for name, answer in answers.items()} == {
        "swagger-ui.css": "text/css; charset=utf-8",
        "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
        "start.js": "text/javascript; charset=utf-8",
    }
    for answer in answers.values():
        assert answer.status_code == 200
        assert len(answer.content) > 100
        assert set(answer.headers["cache-control"].split(", ")) == {
            "public",
            "max-age=31536000",
            "immutable",
        }


@pytest.mark.parametrize("path", ["/docs", "/docs/openapi.json", "an asset"])
def test_every_response_forbids_other_hosts_and_inline_code(
    client: httpx2.Client, page: Page, path: str
) -> None:
    headers = client.get(loaded(page)[0] if path == "an asset" else path).headers
    rules = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))

    assert rules.pop("default-src") == "'none'"
    assert rules.pop("img-src") == "'self' data:"
    assert set(rules.values()) == {"'self'", "'none'"}
    assert headers["referrer-policy"] == "no-referrer"


def test_the_document_is_openapi_without_the_docs_routes(
    client: httpx2.Client,
) -> None:
    document = json.loads(client.get("/docs/openapi.json").content)

    assert document["openapi"].startswith("3.1")
    assert document["info"] == {
        "title": "Things <i>& more",
        "version": "1.2.3",
        "description": "All things.",
    }
    assert set(document["paths"]) == {"/things/{number}"}


@pytest.mark.parametrize(
    "path",
    [
        *["/docs/openapi.yaml", "/docs/openapi.yml", "/docs/swagger", "/docs/redoc", "/docs/nope"],
        *["/docs/assets", "/docs/assets/0/start.js", "/docs/assets/page.py", "/docs/page.html"],
        *["/docs/assets/..%2f..%2fpage.py", "/docs/%2e%2e/%2e%2e/etc/passwd", "/schema"],
    ],
)
def test_other_paths_under_docs_are_handled_by_the_app(client: httpx2.Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.text == "nothing here"
    assert answer.headers["content-type"].startswith("text/plain")
