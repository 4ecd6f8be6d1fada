"""The language that answers a tag, and how it speaks."""

import re
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.pofile import PoFileError, read_po
from hypothesis import given
from hypothesis import strategies as st

import app.locales
from app.locales.catalogues import Catalogues, Language, load_catalogues, read_po_file

ANY_TAG = st.text(max_size=80) | st.from_regex(r"[A-Za-z0-9_-]{0,70}", fullmatch=True)
LENGTH = "This must have {minimum} to {maximum} characters"


@pytest.mark.parametrize(
    ("tag", "spoken"),
    [
        *[(tag, tag) for tag in ("en", "es", "ar", "de", "fr", "pt", "tr")],
        ("EN", "en"),
        ("Es", "es"),
        ("pt-BR", "pt"),
        ("PT-br", "pt"),
        ("es-419", "es"),
        ("de-CH-1901", "de"),
        ("ar-x-private", "ar"),
        ("en-GB-oed", "en"),
        ("zh-Hant-TW", "en"),
        ("ja", "en"),
        ("i-klingon", "en"),
        ("x-klingon", "en"),
        ("und", "en"),
        ("esx", "en"),  # starts like es, but is another language
    ],
)
def test_a_tag_is_answered_in_the_nearest_language(
    catalogues: Catalogues, tag: str, spoken: str
) -> None:
    language = catalogues.negotiate(tag)

    assert language is not None
    assert language.tag == spoken


@pytest.mark.parametrize(
    "tag", ["", "pt_BR", "en\n", "e", "en-", "../es", "es/", "\ud800", "en" * 40]
)
def test_a_malformed_tag_has_no_language(catalogues: Catalogues, tag: str) -> None:
    assert catalogues.negotiate(tag) is None


@given(tag=ANY_TAG | ANY_TAG.map("pt-".__add__))
def test_a_tag_has_a_language_that_it_begins_with_english_or_none(
    catalogues: Catalogues, tag: str
) -> None:
    language = catalogues.negotiate(tag)

    assert language in (None, catalogues.english) or tag.lower().startswith(language.tag)


@given(tag=ANY_TAG)
def test_case_does_not_matter(catalogues: Catalogues, tag: str) -> None:
    if tag.isascii():
        assert catalogues.negotiate(tag.upper()) == catalogues.negotiate(tag.lower())


def test_tags_that_a_stranger_chooses_take_no_memory(catalogues: Catalogues) -> None:
    def ask(since: int) -> None:
        for number in range(since, since + 20_000):
            catalogues.negotiate(f"pt-x-{number}")
            catalogues.negotiate(f"pt_{number}")

    ask(0)  # what is allocated once, is allocated now
    tracemalloc.start()
    try:
        ask(1_000_000)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 20_000  # bytes: less than one for each tag


def test_a_message_is_translated(catalogues: Catalogues) -> None:
    spanish = catalogues.languages["es"]

    assert spanish.text("Integration created successfully") == "Integración creada correctamente"


def test_placeholders_take_their_places(catalogues: Catalogues) -> None:
    german = catalogues.languages["de"]

    said = german.text(LENGTH, minimum=1, maximum=120)

    assert said == "Der Wert muss 1 bis 120 Zeichen lang sein"


@pytest.mark.parametrize("tag", ["en", "es", "ar", "de", "fr", "pt", "tr"])
def test_no_placeholder_is_left_in_any_language(catalogues: Catalogues, tag: str) -> None:
    said = catalogues.languages[tag].text(LENGTH, minimum=6, maximum=8192)

    assert "6" in said
    assert "8192" in said
    assert "{" not in said


def test_a_message_without_translation_is_said_in_english() -> None:
    language = Language("es", {})

    assert language.text("Not translated {n}") == "Not translated {n}"
    assert language.text("Not translated {n}", n=3) == "Not translated 3"


def test_a_placeholder_cannot_name_another_or_reach_into_objects() -> None:
    language = Language("en", {})

    said = language.text("{a} {b} {b.__class__} {0} {}", a="{b}", b="B")

    assert said == "{b} B {b.__class__} {0} {}"


def test_a_placeholder_that_was_not_given_stays() -> None:
    assert Language("en", {}).text("{minimum} {maximum}", minimum=1) == "1 {maximum}"


def test_a_language_cannot_be_changed(catalogues: Catalogues) -> None:
    with pytest.raises(AttributeError):
        catalogues.languages["en"].tag = "es"  # pyright: ignore[reportAttributeAccessIssue]  it is what must fail


def test_a_folder_with_a_catalogue_is_a_language_under_its_own_spelling(tmp_path: Path) -> None:
    for tag in ("en", "pt-BR"):
        file = tmp_path / tag / "LC_MESSAGES" / "messages.po"
        file.parent.mkdir(parents=True)
        file.write_text(f'msgid "Hello"\nmsgstr "{tag}"\n', encoding="utf-8")
    catalogues = load_catalogues(tmp_path)

    brazilian, portuguese = catalogues.negotiate("PT-br-x-rio"), catalogues.negotiate("pt")

    assert brazilian is not None
    assert (brazilian.tag, brazilian.text("Hello")) == ("pt-BR", "pt-BR")
    assert portuguese is not None
    assert portuguese.tag == "en"


def test_without_english_nothing_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_catalogues(tmp_path)


# ----- The committed catalogues, and how a .po file is read -----
FOLDER = Path(app.locales.__file__).parent
TAGS = ("en", "es", "ar", "de", "fr", "pt", "tr")
NAMES = ("messages.po", "console.po")
FILES = {(tag, name): FOLDER / tag / "LC_MESSAGES" / name for tag in TAGS for name in NAMES}
EACH = pytest.mark.parametrize(("tag", "name"), FILES)

# These are words of both languages, as people write them in products.
SAME_AS_ENGLISH = {
    "es": {"SMS", "Push", "Token"},
    "ar": set[str](),
    "de": {"SMS", "Push", "Token", "Person", "Name", "Details", "optional", "Worker", "Version"},
    "fr": {
        "SMS",
        "Push",
        "Pages",
        "Action",
        "Worker",
        "Version",
        "version {number}",
        "{field}, version {number}",
    },
    "pt": {"SMS", "Push", "Token", "Worker"},
    "tr": {"SMS"},
}
DOCUMENT = [
    "Integrations fetched successfully",
    "Integration created successfully",
    "Integration fetched successfully",
    "Integration deleted successfully",
]
HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'


def placeholders(message: str) -> Counter[str]:
    return Counter(re.findall(r"\{.*?\}", message))


def test_seven_languages_are_there_each_with_the_same_files() -> None:
    assert set(FOLDER.glob("*/LC_MESSAGES/*.po")) == set(FILES.values())


def test_the_document_s_messages_are_there_to_the_letter() -> None:
    assert set(DOCUMENT) <= set(read_po_file(FILES["en", "messages.po"]))


def test_a_message_is_in_one_file_alone() -> None:
    messages, console = (set(read_po_file(FILES["en", name])) for name in NAMES)

    assert messages & console == set()


@pytest.mark.parametrize("name", NAMES)
def test_english_says_what_its_msgids_say(name: str) -> None:
    english = read_po_file(FILES["en", name])

    assert english == {message: message for message in english}


@EACH
def test_a_catalogue_holds_exactly_the_messages_of_english(tag: str, name: str) -> None:
    assert set(read_po_file(FILES[tag, name])) == set(read_po_file(FILES["en", name]))


@EACH
def test_a_catalogue_s_lines_are_quoted_and_no_message_is_there_twice(tag: str, name: str) -> None:
    # Babel forgives both: it drops a character for a missing quote, and the last duplicate wins.
    text = FILES[tag, name].read_text("utf-8")
    lines = [line for line in text.splitlines() if line[:1] not in ("", "#")]
    messages = [line for line in lines if line.startswith("msgid ")]

    assert [
        line for line in lines if not re.fullmatch(r'(?:(?:msgid|msgstr) )?"[^"]*"', line)
    ] == []
    assert len(messages) == len(set(messages))


@EACH
def test_every_message_is_translated_and_none_is_fuzzy_or_obsolete(tag: str, name: str) -> None:
    with FILES[tag, name].open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    messages = [message for message in catalogue if message.id]

    assert [message.id for message in messages if message.fuzzy] == []
    assert [message.id for message in messages if not str(message.string).strip()] == []
    assert not catalogue.obsolete


@EACH
def test_a_translation_keeps_every_placeholder(tag: str, name: str) -> None:
    for english, translated in read_po_file(FILES[tag, name]).items():
        assert placeholders(translated) == placeholders(english)


@pytest.mark.parametrize("tag", SAME_AS_ENGLISH)
def test_no_message_is_left_in_english_but_a_few_words_of_both_languages(tag: str) -> None:
    left = {en for en, text in load_catalogues().languages[tag].messages.items() if en == text}

    assert left - SAME_AS_ENGLISH[tag] == set()


@pytest.mark.parametrize("tag", TAGS)
def test_a_stored_text_is_known_again_with_what_fills_it(tag: str) -> None:
    english, language = load_catalogues().english, load_catalogues().languages[tag.lower()]
    for message in english.messages:
        filling = {name[1:-1]: f"{name[1:-1]} 1, b" for name in placeholders(message)}
        stored = english.text(message, **filling)
        assert language.filled_text(stored) == language.text(message, **filling), message


@pytest.mark.parametrize("text", ["", "of another release", "This is missing: ", "{field}"])
def test_a_stored_text_that_is_unknown_stays(text: str) -> None:
    assert load_catalogues().languages["de"].filled_text(text) == text


@EACH
def test_no_invisible_direction_marks_are_in_a_catalogue(tag: str, name: str) -> None:
    text = FILES[tag, name].read_text("utf-8")

    assert re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", text) is None


def test_all_files_of_a_language_are_read(tmp_path: Path) -> None:
    for name in ("one.po", "two.po"):
        file = tmp_path / "en" / "LC_MESSAGES" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'msgid "{name}"\nmsgstr "{name}"\n', encoding="utf-8")

    assert set(load_catalogues(tmp_path).english.messages) == {"one.po", "two.po"}


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
