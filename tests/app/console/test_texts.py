"""Every text of a page is in the catalogues, and every text of these is on a page."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import pytest

import app.console
import app.locales
from app.locales.catalogues import fill_of, load_catalogues, read_po_file

CONSOLE = Path(app.console.__file__).parent
ENGLISH = Path(app.locales.__file__).parent / "en" / "LC_MESSAGES"
CALL = re.compile(r"\bt\(")
LITERAL = re.compile(r'\bt\("([^"]*)"')


def template_texts(source: str) -> list[str]:
    """Return the literals of `t("…")` in the *source* of a template, macros included."""
    return LITERAL.findall(source)


def python_texts(source: str) -> Iterator[str]:
    """Yield the texts in the *source* of a module: literals of `.text("…")`, and its tables."""
    module = ast.parse(source)
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and node.args and called_name(node) == "text":
            yield from literals(node.args[0])
    for statement in module.body:
        value = statement.value if isinstance(statement, ast.Assign) else None
        if isinstance(value, ast.Dict | ast.Constant) and is_of_texts(found := leaves(value)):
            yield from found


def called_name(call: ast.Call) -> str | None:
    """Return the name of the function or method of *call*."""
    return (
        call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
    )


def literals(node: ast.expr) -> list[str]:
    """Return the strings that *node* may be: itself, or one of both in `a if b else c`."""
    if isinstance(node, ast.IfExp):
        return [*literals(node.body), *literals(node.orelse)]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    return []


def leaves(value: ast.expr) -> list[str]:
    """Return the strings in the *value* of a table; an empty one for each that is no string."""
    if isinstance(value, ast.Dict):
        return [text for each in value.values for text in leaves(each)]
    if isinstance(value, ast.Tuple):
        return [text for each in value.elts for text in leaves(each)]
    return literals(value) or [""]


def is_of_texts(values: list[str]) -> bool:
    """Return whether *values* are for people: each begins with a capital, and not all are codes."""
    return all(value[:1].isupper() for value in values) and not all(map(str.isupper, values))


def used_texts() -> dict[str, str]:
    """Return the texts of all pages, each with a file that has it."""
    templates = {
        text: file.name
        for file in CONSOLE.rglob("*.html")
        for text in template_texts(file.read_text("utf-8"))
    }
    modules = {
        text: file.name
        for file in CONSOLE.rglob("*.py")
        for text in python_texts(file.read_text("utf-8"))
    }
    return templates | modules


def test_every_text_of_a_page_is_in_a_catalogue() -> None:
    known = {*read_po_file(ENGLISH / "messages.po"), *read_po_file(ENGLISH / "console.po")}

    assert {text: file for text, file in used_texts().items() if text not in known} == {}


def test_every_text_of_the_catalogue_is_on_a_page() -> None:
    assert set(read_po_file(ENGLISH / "console.po")) - set(used_texts()) == set()


def test_templates_translate_nothing_but_literals() -> None:
    for file in CONSOLE.rglob("*.html"):
        source = file.read_text("utf-8")
        assert len(CALL.findall(source)) == len(LITERAL.findall(source)), file.name


def test_texts_are_found_in_python_by_their_use_and_in_tables() -> None:
    source = """
TABLE = {"a": "First", "b": ("Second", "Seventh")}
HEADERS = {"Cache-Control": "no-store"}
ALONE = "Third"
CODE = "GRANTED"
ACTIONS = ("ADDED", "REMOVED")
SENDERS = {"name": "Example", "number": "12345"}
said = request.auth.text("fourth {n}", n=1), text("Fifth" if on else "Sixth"), text(TABLE["a"])
"""

    assert sorted(python_texts(source)) == [
        *("Fifth", "First", "Second", "Seventh", "Sixth", "Third", "fourth {n}")
    ]


# ----- As pages show them -----
SPOKEN = frozenset({"title", "placeholder", "aria-label", "data-text", "data-title"})
ISOLATES = re.compile("[\u2068\u2069]")
PAGES = [
    *("integrations", "integrations?q=nonsense", "add", "add/TWILIO", "add/FIREBASE_FCM"),
    *("{one}", "{one}/edit", "{one}/credentials", "{one}/delete", "{one}/history"),
    *("{one}/past", "{one}/past?asOf=1", "{one}/accesses", "defaults", "accesses"),
    *("history", "history?action=INTEGRATION_REMOVED", "past", "past?asOf=1", "audit", "session"),
    *("nothing", "integrations?sort=nonsense", "history?startDate=nonsense"),
]


class Said(HTMLParser):
    """What a page says: its texts, and the attributes that people see or hear."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(
        self,
        tag: str,  # noqa: ARG002  the parser gives it
        attrs: list[tuple[str, str | None]],
    ) -> None:
        """Keep the attributes."""
        self.texts += [value for name, value in attrs if name in SPOKEN and value]

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.texts.append(data)


def english_in(page: str, tag: str) -> set[str]:
    """Return the texts of *page* that are the catalogue's in English and not in *tag*."""
    translated = load_catalogues().languages[tag].messages
    foreign = [message for message, text in translated.items() if message != text]
    said = {ISOLATES.sub("", text).strip() for text in Said(page).texts}
    return {text for text in said for message in foreign if is_message(message, text)}


def is_message(message: str, text: str) -> bool:
    """Return whether *text* is *message*, its placeholders filled."""
    return text == message or fill_of(message, text) is not None


def test_english_is_noticed() -> None:
    page = '<p title="Save">Speichern</p><p>Delete \u2068Twilio\u2069</p><p>SMS</p>'

    assert english_in(page, "de") == {"Save", "Delete Twilio"}


@pytest.mark.parametrize("tag", ["ar", "de"])
def test_no_page_has_a_text_in_english(
    console: httpx2.Client, sendgrid: dict[str, Any], tag: str
) -> None:
    for page in PAGES:
        path = page.replace("{one}", f"integrations/{sendgrid['id']}")
        answer = console.get(f"/console/{tag}/{path}")
        assert f'lang="{tag}"' in answer.text, path
        assert english_in(answer.text, tag) == set(), path
    console.post(f"/console/{tag}/sign-out")
    assert english_in(console.get(f"/console/{tag}/sign-in").text, tag) == set()


@pytest.mark.parametrize("tag", ["ar", "de"])
def test_no_page_after_a_form_has_a_text_in_english(
    console: httpx2.Client, sendgrid: dict[str, Any], tag: str
) -> None:
    one = f"/console/{tag}/integrations/{sendgrid['id']}"
    forms: list[tuple[str, dict[str, str]]] = [
        (f"/console/{tag}/add/TWILIO", {"name": "", "senderPhone": "07"}),
        (f"{one}/edit", {"name": "", "senderEmail": "nobody"}),
        (f"{one}/delete", {"confirmation": "another"}),
        (one, {"isActive": "false"}),
        (one, {"check": "1"}),
        (f"/console/{tag}/defaults", {"channel": "EMAIL", "integration": sendgrid["id"]}),
        (f"/console/{tag}/sign-in", {"secret.token": "wrong"}),
    ]
    for path, form in forms:
        answer = console.post(path, data=form, follow_redirects=True)
        assert english_in(answer.text, tag) == set(), path

    assert english_in(console.get(f"{one}/history").text, tag) == set()  # with the check's result


@pytest.mark.parametrize("tag", ["ar", "de"])
def test_no_page_of_somebody_who_may_only_look_has_a_text_in_english(
    reader: httpx2.Client, sendgrid: dict[str, Any], tag: str
) -> None:
    for path in ("integrations", "add", "add/TWILIO", f"integrations/{sendgrid['id']}", "history"):
        assert english_in(reader.get(f"/console/{tag}/{path}").text, tag) == set(), path
