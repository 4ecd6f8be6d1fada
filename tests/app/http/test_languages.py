"""Messages in seven languages: which one is chosen, and that none is missing."""

import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import httpx2
import pytest

import app.http
from app.http.field_rules import FieldProblem
from app.http.problems import FRAMEWORK_PROBLEMS, INTERNAL_ERROR, PROBLEMS, Problem
from app.locales.catalogues import load_catalogues

LANGUAGES = ["en", "es", "ar", "de", "fr", "pt", "tr"]


@pytest.mark.parametrize(
    ("locale", "spoken"),
    [
        *[(language, language) for language in LANGUAGES],
        ("ES", "es"),
        ("es-MX", "es"),
        ("pt-BR", "pt"),
        ("pt-br", "pt"),
        ("de-Latn-AT", "de"),
        ("zh-Hant-TW", "en"),
        ("zz", "en"),
        ("en-x-secret", "en"),
    ],
)
def test_the_path_chooses_the_language_of_responses_and_errors(
    client: httpx2.Client, locale: str, spoken: str
) -> None:
    texts = load_catalogues().languages[spoken].messages
    path = f"/{locale}/api/integration"

    listed, missing = client.get(path), client.get(f"{path}/x")
    invalid, unknown = client.post(path, json={}), client.get(f"/{locale}/nowhere")

    answers = (listed, missing, invalid, unknown)
    assert {answer.headers["content-language"] for answer in answers} == {spoken}
    said = [answer.json()["result"]["message"] for answer in answers]
    assert said == [
        texts["Integrations fetched successfully"],
        texts["There is nothing here"],
        texts["The request is not valid"],
        texts["There is nothing here"],
    ]
    details = invalid.json()["result"]["details"]
    assert {detail["message"] for detail in details} == {texts["This field is required"]}
    assert {detail["code"] for detail in details} == {"REQUIRED"}  # codes are never translated


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_endpoint_is_translated(
    client: httpx2.Client, body: dict[str, Any], language: str
) -> None:
    path, messages = f"/{language}/api/integration", load_catalogues().languages[language].messages

    created = client.post(path, json=body)
    place = created.headers["location"]
    answers = [created, client.get(place), client.get(path), client.delete(place)]

    assert place.startswith(f"/{language}/")
    assert [answer.json()["result"]["message"] for answer in answers] == [
        messages[f"Integration{plural} {done} successfully"]
        for plural, done in (("", "created"), ("", "fetched"), ("s", "fetched"), ("", "deleted"))
    ]


def problems_in_the_code() -> Iterator[str]:
    """Yield the English message of every problem that a module of app.http names."""
    for problem in (*PROBLEMS.values(), *FRAMEWORK_PROBLEMS.values(), INTERNAL_ERROR):
        yield problem.message
    for module in pkgutil.walk_packages(app.http.__path__, "app.http."):
        for value in vars(import_module(module.name)).values():
            if isinstance(value, FieldProblem | Problem):
                yield value.message


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_is_in_every_catalogue(language: str) -> None:
    messages = load_catalogues().languages[language].messages

    assert [message for message in {*problems_in_the_code()} if message not in messages] == []


Clause = Callable[[dict[str, str]], bool]
