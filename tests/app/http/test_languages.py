"""Messages in seven languages: which one is chosen, and that none is missing."""

import ast
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

import httpx2
import pytest
from msgspec import Struct

import app.http
from app.locales.catalogues import load_catalogues
from app.providers.registry import load_providers
from tests.support.window import wait_until_signed
from tests.support.worker import Worker

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


class Operation(Struct, frozen=True):
    """An operation of the OpenAPI document that responds in the language of its path."""

    id: str
    method: str
    path: str
    required: Sequence[str]  # parameters of the query


def operations_of(document: Mapping[str, Any]) -> list[Operation]:
    """Return the operations of *document* whose success is a JSON object with a message."""
    found = [
        Operation(operation["operationId"], method, path, required_in(operation))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/{locale}/") and operation["operationId"] != "exportLog"
    ]
    return sorted(found, key=lambda each: (each.method == "delete", "defaults" not in each.path))


def required_in(operation: Mapping[str, Any]) -> list[str]:
    """Return the names of the parameters that the query of *operation* must have."""
    return [each["name"] for each in operation["parameters"] if each.get("required")]


Say = Callable[[str], Mapping[str, str]]


@pytest.fixture
def say(client: httpx2.Client, worker: Worker, body: dict[str, Any]) -> Say:
    """Return the message of each operation, by its id, in the language of a path."""
    operations = operations_of(client.get("/docs/openapi.json").json())
    signed = client.post("/en/api/integration", json=body).headers["location"]
    wait_until_signed(client, signed)
    position = client.get(f"{signed}/history").json()["result"]["data"][0]["position"]

    def messages(language: str) -> Mapping[str, str]:
        created = client.post("/en/api/integration", json=body)
        id_ = created.json()["result"]["data"]["id"]
        values = {"integrationIds": id_, "position": position, "positions": position}
        bodies = {
            "createIntegration": body,
            "changeIntegration": {"name": "m"},
            "replaceCredentials": {"apiKey": "SG.another"},
            "toggleIntegration": {"isActive": True},
            "chooseDefault": {"integrationId": id_},
        }
        found: dict[str, str] = {}
        for each in operations:
            path = each.path.format(locale=language, integrationId=id_, channel=body["channel"])
            response = (worker.client if path.endswith("/lease") else client).request(
                each.method,
                path,
                params={name: values.get(name, 1) for name in each.required},
                json=bodies.get(each.id),
            )
            assert response.is_success, (each, response.text)
            found[each.id] = response.json()["result"]["message"]
        return found

    return messages


def test_the_message_of_every_operation_is_translated(say: Say) -> None:
    english = say("en")

    assert len(english) > 25
    for tag, language in load_catalogues().languages.items():
        assert say(tag) == {id_: language.messages[text] for id_, text in english.items()}


# ----- Problems -----
def problems_in_the_code() -> Iterator[str]:
    """Yield the English message of every problem that app.http makes, also inside functions.

    A message that is another's attribute is of a provider's lookalike.
    """
    for info in pkgutil.walk_packages(app.http.__path__, "app.http."):
        module = import_module(info.name)
        tree = ast.parse(inspect.getsource(module))
        for name, place in (("Problem", 2), ("FieldProblem", 1)):
            for call in calls_of(tree, name):
                yield from texts_of(call.args[place], module, tree)
    for provider in load_providers().values():
        for field in (*provider.fields.values(), *provider.settings.values()):
            yield from (each.message for each in field.lookalikes)


def calls_of(tree: ast.AST, name: str) -> list[ast.Call]:
    """Return the calls in *tree* of the function *name*."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def texts_of(node: ast.expr, module: ModuleType, tree: ast.AST) -> Iterator[str]:
    """Yield what the expression *node* of *module* may be: a text, or a name of one."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from (*texts_of(one, module, tree), *texts_of(other, module, tree))
        case ast.Attribute(attr="message"):
            pass
        case ast.Name(id=name) if name in vars(module):
            yield vars(module)[name]
        case ast.Name(id=name):
            values = [*values_of(name, tree)]
            assert values, f"nothing says what {name} is"
            for value in values:
                yield from texts_of(value, module, tree)
        case _:
            pytest.fail(f"no text: {ast.unparse(node)}")


def values_of(name: str, tree: ast.AST) -> Iterator[ast.expr]:
    """Yield what is assigned to *name* in *tree*, and is passed to functions that call it so."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield value
            case ast.FunctionDef(name=function, args=ast.arguments(args=arguments)):
                for place, argument in enumerate(arguments):
                    if argument.arg == name:
                        yield from (call.args[place] for call in calls_of(tree, function))
            case _:
                pass


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_is_in_every_catalogue(language: str) -> None:
    messages = load_catalogues().languages[language].messages
    problems = {*problems_in_the_code()}

    assert len(problems) > 100
    assert problems - messages.keys() == set()
