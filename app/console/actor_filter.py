"""The people whom a filter offers, and takes by name."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from app.console.api_client import ApiClient, ApiError, Detail
from app.console.problems import Problem
from app.console.resources import Actor
from app.console.visit import AnyRequest

T = TypeVar("T")
NEWEST = {"limit": "100"}
BAD_REQUEST = 400
Choices = Mapping[str, tuple[str, str]]
"""By id: what the filter takes of a person, by name or id, and what is shown next to it."""


async def load_newest(api: ApiClient, shape: type[T], path: str) -> list[T]:
    """Return the newest entries at *path*, whose people a filter offers; none if they are away."""
    try:
        return (await api.get(list[shape], path, NEWEST)).data
    except ApiError:  # the page says so if it concerns what it shows
        return []


def choices_of(actors: Iterable[Actor]) -> Choices:
    """Return how a filter names each of *actors*: by name, or by id if others are called so."""
    labels = {actor.id: actor.label for actor in actors}
    called = [label.casefold() for label in labels.values()]
    return {
        id_: (label, id_) if called.count(label.casefold()) == 1 else (id_, label)
        for id_, label in labels.items()
    }


def find_person(choices: Choices, typed: str | None) -> str | None:
    """Return the id of whom *typed* names; *typed* itself if *choices* have nobody of that name."""
    names = {name.casefold(): id_ for id_, (name, _) in choices.items()}
    return typed if typed in choices else names.get((typed or "").strip().casefold(), typed)


def unknown_person(request: AnyRequest, field: str) -> Problem:
    """Return the problem of the filter *field* that names nobody."""
    text = request.auth.text
    title = text("Nobody with this name or id is known here")
    advice = text("Choose one of the list, or give the whole id")
    detail = Detail(code="NOT_FOUND", field=field, message=advice)
    return Problem(status=BAD_REQUEST, title=title, text=title, details=(detail,))
