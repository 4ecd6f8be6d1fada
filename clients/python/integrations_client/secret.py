"""Values that programs use and nobody sees: they refuse to be printed, copied and stored."""

from typing import NoReturn

from integrations_client.term import Term


class Undisclosed:
    """Has a `repr` without content, and refuses whatever would copy it out of this process.

    So it never stands in a log, a pickle, a task queue or a workflow history.
    """

    __slots__ = ("__weakref__",)

    def __repr__(self) -> str:
        """Return the name of the type alone."""
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> NoReturn:
        """Refuse pickle and copy."""
        self._refuse("copied or stored")

    def __getstate__(self) -> NoReturn:
        """Refuse serializers that read the state of objects."""
        self._refuse("copied or stored")

    def _refuse(self, what: str) -> NoReturn:
        message = f"a {type(self).__name__} cannot be {what}"
        raise TypeError(message)


class Secret(Undisclosed):
    """A credential: `reveal()` returns it until the lease is over."""

    __slots__ = ("_term", "_text")

    def __init__(self, text: str, term: Term) -> None:
        self._text = text
        self._term = term

    def reveal(self) -> str:
        """Return the credential; raise LeaseExpiredError if the lease is over."""
        self._term.require_current()
        return self._text

    def __str__(self) -> str:
        """Refuse: what is printed by mistake must not be a key, nor a header a placeholder."""
        return self._refuse("printed; call reveal() where it is sent")

    def __format__(self, _specification: str) -> NoReturn:
        """Refuse, as `str` does."""
        self._refuse("printed; call reveal() where it is sent")
