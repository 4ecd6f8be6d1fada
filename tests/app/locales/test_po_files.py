"""The committed catalogues, and how a `.po` file is read."""

import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.pofile import PoFileError, read_po

import app.locales
from app.locales.catalogues import read_po_file

FOLDER = Path(app.locales.__file__).parent
FILES = {file.parts[-3]: file for file in FOLDER.glob("*/LC_MESSAGES/*.po")}

DOCUMENT = [
    "Integrations fetched successfully",
    "Integration created successfully",
    "Integration fetched successfully",
    "Integration deleted successfully",
]
HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'


def placeholders(message: str) -> Counter[str]:
    return Counter(re.findall(r"\{.*?\}", message))


def test_seven_languages_are_there() -> None:
    assert set(FILES) == {"en", "es", "ar", "de", "fr", "pt", "tr"}


def test_the_document_s_messages_are_there_to_the_letter() -> None:
    assert set(DOCUMENT) <= set(read_po_file(FILES["en"]))


def test_english_says_what_its_msgids_say() -> None:
    english = read_po_file(FILES["en"])

    assert english == {message: message for message in english}


@pytest.mark.parametrize("tag", FILES)
def test_a_catalogue_holds_exactly_the_messages_of_english(tag: str) -> None:
    assert set(read_po_file(FILES[tag])) == set(read_po_file(FILES["en"]))


@pytest.mark.parametrize("tag", FILES)
def test_a_catalogue_s_lines_are_quoted_and_no_message_is_there_twice(tag: str) -> None:
    # Babel forgives both: it drops a character for a missing quote, and the last duplicate wins.
    lines = [
        line for line in FILES[tag].read_text("utf-8").splitlines() if line[:1] not in ("", "#")
    ]
    messages = [line for line in lines if line.startswith("msgid ")]

    assert [
        line for line in lines if not re.fullmatch(r'(?:(?:msgid|msgstr) )?"[^"]*"', line)
    ] == []
    assert len(messages) == len(set(messages))


@pytest.mark.parametrize("tag", FILES)
def test_every_message_is_translated_and_none_is_fuzzy_or_obsolete(tag: str) -> None:
    with FILES[tag].open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    messages = [message for message in catalogue if message.id]

    assert [message.id for message in messages if message.fuzzy] == []
    assert [message.id for message in messages if not str(message.string).strip()] == []
    assert not catalogue.obsolete


@pytest.mark.parametrize("tag", FILES)
def test_a_translation_keeps_every_placeholder(tag: str) -> None:
    for english, translated in read_po_file(FILES[tag]).items():
        assert placeholders(translated) == placeholders(english)


@pytest.mark.parametrize("tag", sorted(set(FILES) - {"en"}))
def test_no_message_is_left_in_english(tag: str) -> None:
    assert [en for en, translated in read_po_file(FILES[tag]).items() if en == translated] == []


@pytest.mark.parametrize("tag", FILES)
def test_no_invisible_direction_marks_are_in_a_catalogue(tag: str) -> None:
    assert (
        re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", FILES[tag].read_text("utf-8"))
        is None
    )


def test_fuzzy_and_empty_translations_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "messages.po"
    file.write_text(
        HEADER
        + 'msgid "good"\nmsgstr "gut"\n\n'
        + 'msgid "empty"\nmsgstr ""\n\n'
        + '#, fuzzy\nmsgid "guessed"\nmsgstr "geraten"\n\n'
        + 'msgid "one"\nmsgid_plural "many"\nmsgstr[0] "eins"\nmsgstr[1] "viele"\n',
        encoding="utf-8",
    )

    assert read_po_file(file) == {"good": "gut"}


def test_a_line_that_is_not_gettext_s_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "messages.po"
    file.write_text(HEADER + 'msgid "good"\nmsgtranslation "gut"\n', encoding="utf-8")

    with pytest.raises(PoFileError):
        read_po_file(file)
