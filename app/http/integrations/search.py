"""The stored numbers and addresses that a search text may stand for (docs/api.md#lists)."""

import re
from collections.abc import Iterator

from app.http.email_address import find_addresses, read_address
from app.http.sender_phone import NUMBER, OPTIONAL_ZERO, PUNCTUATION, other_trunk_form, to_ascii
from projections.search_text import decode_domains, normalize_for_search

MIN_NUMBER_LENGTH = 4  # characters that are searched for as a number: fewer are in names, too
INTERNATIONAL_LENGTH = 10  # digits that are read as an international number without +
SCHEME = re.compile(r"^\s*(?:tel|sms|callto|whatsapp):", re.IGNORECASE)
EXTENSION = re.compile(r";[\w-]+=.*")  # and other parameters (RFC 3966)
INTERNATIONAL_PREFIX = re.compile("^(?:00|011)(?=[1-9])")  # of most countries; of North America
TRUNK_PREFIX = re.compile("^0(?=[1-9])")  # stands for the country's code


def search_terms(text: str) -> tuple[str, ...]:
    """Return the folded texts of which a name or a sender must contain one to match *text*.

    The first is *text* itself.
    """
    terms = (normalize_for_search(text), *numbers_in(text), *addresses_in(text))
    return tuple(dict.fromkeys(filter(None, (*terms, *map(decode_domains, terms)))))


def numbers_in(text: str) -> Iterator[str]:
    """Yield the number, or the part of one, that *text* is, as it is stored.

    That is what people search for: nothing is wrong with it. A number of one country, with 0 in
    front, is a part of the stored one: `07700 900123` of `+447700900123`. Both numbers may have
    that 0 behind the country's code, which is not dialled there.
    """
    written = SCHEME.sub("", EXTENSION.sub("", to_ascii(text)))
    found = NUMBER.fullmatch(PUNCTUATION.sub("", OPTIONAL_ZERO.sub("", written)))
    if not found:
        return
    digits = found["number"]
    for each in (digits, INTERNATIONAL_PREFIX.sub("+", digits), TRUNK_PREFIX.sub("", digits)):
        if len(each) >= MIN_NUMBER_LENGTH:
            yield each
            if each[0] == "+" or len(each) >= INTERNATIONAL_LENGTH:
                yield other_trunk_form(each)


def addresses_in(text: str) -> Iterator[str]:
    """Yield the one address in *text*, if there is one with a name or a scheme around it."""
    addresses = find_addresses(read_address(text))
    if len(addresses) == 1:
        yield normalize_for_search(addresses[0])
