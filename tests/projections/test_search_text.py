"""Names are found and ordered as the languages do, whatever their case, accents and form."""

# ruff: noqa: RUF001 — these letters are meant
from unicodedata import category, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.search_text import decode_domains, normalize_for_search, sort_key

NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=120)
# What is searched, and the name that it finds.
FOUND = {
    "Turkish capital i with a dot (iptvnator#609)": ("istanbul", "İstanbul"),
    "Turkish capital": ("ISTANBUL", "İstanbul"),
    "Turkish i without a dot": ("isparta", "ısparta"),
    "Turkish i without a dot, searched": ("ısparta", "ISPARTA"),
    "Turkish cedilla": ("sisli", "Şişli"),
    "German sharp s": ("strasse", "Straße"),
    "German sharp s, capital": ("STRAẞE", "strasse"),
    "German umlaut": ("apfel", "Äpfel"),
    "Greek final sigma": ("ΟΔΟΣ", "οδος"),
    "Greek final sigma inside": ("οδοσ", "οδος"),
    "Greek accent": ("αθηνα", "Αθήνα"),
    "French accent": ("cafe", "Café"),
    "French, decomposed": ("caf\u00e9", "Cafe\u0301"),
    "French, composed": ("cafe\u0301", "Caf\u00e9"),
    "French ligature": ("coeur", "Cœur"),
    "Vietnamese": ("viet dong", "Việt Đồng"),
    "Polish": ("lodz", "Łódź"),
    "Danish": ("kobenhavn", "København"),
    "Danish ligature": ("aero", "Ærø"),
    "Spanish": ("espana", "ESPAÑA"),
    "Portuguese": ("sao joao", "São João"),
    "Russian": ("ежик", "Ёжик"),
    "Arabic with vowels": ("محمد", "مُحَمَّد"),
    "Arabic, searched with vowels": ("مُحَمَّد", "محمد"),
    "Arabic, lengthened": ("محمد", "محـــمد"),
    "Arabic alef": ("احمد", "أحمد"),
    "Arabic alef below": ("اسلام", "إسلام"),
    "Arabic alef wasla": ("الله", "ٱلله"),
    "Arabic teh marbuta": ("مدرسه", "مدرسة"),
    "Arabic yeh": ("مصطفي", "مصطفى"),
    "Icelandic": ("thordur", "Þórður"),
    "Maltese": ("hobz", "Ħobż"),
    "Persian": ("ايراني", "ایرانی"),
    "Persian kaf": ("كتاب", "کتاب"),
    "Arabic comma": ("الرياض، جدة", "الرياض, جدة"),
    "Arabic semicolon": ("أ; ب", "أ؛ ب"),
    "Arabic question mark": ("اشتراك?", "اشتراك؟"),
    "Arabic percent sign": ("خصم 20%", "خصم ٢٠٪"),
    "two spaces": ("big sale", "Big  Sale"),
    "two spaces, searched": ("big  sale", "Big Sale"),
    "a no-break space": ("big sale", "Big\xa0Sale"),
    "a no-break space, searched": ("big\u202fsale", "Big Sale"),
    "an ideographic space and two": ("große aktion", "Große\u3000 Aktion"),
    "Thai, marks in another order": ("ก\u0e38\u0e48", "ก\u0e48\u034f\u0e38"),
    "capitals in one sign": ("mhz", "50 ㎒"),
    "full width": ("mail", "ＭＡＩＬ"),
    "an address": ("A@EXAMPLE.com", "a@example.com"),
    "a number": ("+1555", "+15550001111"),
    "Arabic digits": ("123", "Filiale ١٢٣"),
    "Arabic digits, searched": ("١٢٣", "Filiale 123"),
    "Persian digits": ("123", "شعبه ۱۲۳"),
    "Devanagari dot": ("फोन", "फ\u093cोन"),
    "Devanagari dot, in one sign": ("कलम", "\u0958लम"),
    "Devanagari dot, searched": ("ज\u093cरूरत", "जरूरत"),
    "Devanagari dot, inside": ("सड\u093cक", "सडक"),
    "Devanagari digits": ("2025", "अभियान २०२५"),
    "digits of two scripts": ("۱۲۳", "Filiale ١٢٣"),
    "mathematical digits": ("25", "Q𝟐𝟓"),
    "apostrophe": ("o'brien", "O’Brien"),
    "apostrophe, searched": ("o’brien", "O'Brien"),
    "apostrophe, a letter": ("o'zbekiston", "Oʻzbekiston"),
    "apostrophe, an accent": ("l'ete", "L´été"),
    "apostrophe, a backtick": ("o`brien", "O’Brien"),
    "apostrophe, ASCII": ("o`brien", "O'Brien"),
    "quotes": ('"best"', "Acme „Best“"),
    "guillemets": ('"best"', "Acme «Best»"),
    "Hebrew gershayim": ('צה"ל', "צה״ל"),
    "Hebrew geresh": ("ג'ירפה", "ג׳ירפה"),
    "Hebrew maqaf": ("בית-ספר", "בית־ספר"),
    "Hebrew maqaf, searched": ("בית־ספר", "בית-ספר"),
    "Arabic hamza on its seats": ("قايمة شوون", "قائمة شؤون"),
    "dash": ("2025-26", "Saison 2025–26"),
    "hyphen that does not break": ("e-mail", "E‑Mail"),
}


@pytest.mark.parametrize("case", FOUND)
def test_what_people_type_finds_the_name(case: str) -> None:
    wanted, name = FOUND[case]
    assert normalize_for_search(wanted) in normalize_for_search(name)


@pytest.mark.parametrize(
    ("wanted", "name"), [("o", "a"), ("कि", "कु"), ("か", "き"), ("ب", "ت"), ("ш", "щ")]
)
def test_different_letters_stay_different(wanted: str, name: str) -> None:
    assert normalize_for_search(wanted) not in normalize_for_search(name)


def test_every_dash_of_unicode_is_found_by_that_of_a_keyboard() -> None:
    dashes = [sign for sign in map(chr, range(0x10000)) if category(sign) == "Pd"]
    assert {normalize_for_search(f"a{dash}b") for dash in dashes} == {"a-b"}


def test_names_are_sorted_by_their_folded_form_and_then_by_code_point() -> None:
    names = ["zebra", "Äpfel", "apfel", "Apfel", "apfel 2", "Łódź", "lodz", "mail", "İzmir"]
    assert sorted(names, key=sort_key) == [
        "Apfel", "apfel", "Äpfel", "apfel 2", "İzmir", "lodz", "Łódź", "mail", "zebra",
    ]  # fmt: skip


@given(NAMES)
def test_folding_again_changes_nothing_and_the_form_does_not_matter(name: str) -> None:
    folded = normalize_for_search(name)
    assert normalize_for_search(folded) == folded
    for form in ("NFC", "NFD"):
        assert normalize_for_search(normalize(form, name)) == folded


@given(NAMES, st.data())
def test_every_part_of_a_folded_name_finds_it(name: str, data: st.DataObject) -> None:
    folded = normalize_for_search(name)
    start = data.draw(st.integers(0, len(folded)))
    end = data.draw(st.integers(start, len(folded)))
    assert normalize_for_search(folded[start:end]) in folded


@given(NAMES)
def test_a_sort_key_fits_into_an_index(name: str) -> None:
    assert len(sort_key(name).encode()) < 2_000


def test_a_sort_key_of_signs_that_stand_for_words_fits_too() -> None:
    assert len(sort_key("ﷺ" * 120).encode()) < 2_000


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_any_label_in_punycode_is_decoded_or_stays_as_it_is(label: str) -> None:
    decoded = decode_domains(normalize_for_search(f"a@xn--{label}.example"))

    assert decoded.encode().decode().startswith("a@")


@pytest.mark.parametrize("domain", ["bücher", "müller-söhne", "مثال", "例え", "straße", "ещё"])
def test_a_domain_is_found_by_either_form(domain: str) -> None:
    punycode = "xn--" + domain.encode("punycode").decode()

    assert decode_domains(normalize_for_search(f"{punycode}.example")) == normalize_for_search(
        f"{domain}.example"
    )


@pytest.mark.parametrize("label", ["xn--", "xn--99999999", "xn--ib9b", "xn--0y0c", "xn--fa"])
def test_what_is_no_punycode_stays_as_it_is(label: str) -> None:
    assert decode_domains(label) == label
