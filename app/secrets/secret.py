"""Secret: bytes that do not show themselves."""

from hmac import compare_digest
from typing import ClassVar, NoReturn, final


@final
class Secret:
    """Plaintext that leaves only by `reveal()` and `reveal_text()`.

    It prints as `Secret(***)`, has no length, no hash and no attributes to walk, and neither
    pickle, copy, json nor msgspec takes it. Python cannot wipe memory: the bytes stay in the
    process until they are collected, so keep no second copy.
    """

    __slots__ = ("__plaintext",)
    # A hash in a set or a dict would distinguish equal secrets from different ones.
    __hash__: ClassVar[None] = None  # pyright: ignore[reportIncompatibleMethodOverride]  # on purpose

    def __init__(self, plaintext: bytes) -> None:
        self.__plaintext = plaintext

    def reveal(self) -> bytes:
        """Return the plaintext; never bind it to a name, for tracebacks may show names."""
        return self.__plaintext

    def reveal_text(self) -> str:
        """Return the plaintext as text; raise UnicodeDecodeError if it is not UTF-8."""
        return self.__plaintext.decode()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # In constant time: the time does not reveal how much of a guess was right.
        return compare_digest(self.__plaintext, other.__plaintext)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __getstate__(self) -> NoReturn:
        # pickle and copy come through here; object's own would hand out the slot.
        message = "a Secret cannot be pickled or copied"
        raise TypeError(message)
