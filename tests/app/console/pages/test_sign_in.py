"""Who comes in, with what, and until when."""

from typing import Any, LiteralString
from urllib.parse import parse_qsl

import httpx2
import psycopg
import pytest

from tests.support.service import Service

LIST = "/console/en/integrations"


def token_of(client: httpx2.Client) -> str:
    return client.headers["authorization"].removeprefix("Bearer ")


def test_a_stranger_is_led_to_the_page_that_asks_for_a_token(visitor: httpx2.Client) -> None:
    answer = visitor.get(f"{LIST}?q=twil")

    assert answer.status_code == 303
    assert answer.headers["location"] == (
        "/console/en/sign-in?next=%2Fconsole%2Fen%2Fintegrations%3Fq%3Dtwil"
    )


def test_a_token_opens_a_session_and_leads_back_to_the_page_that_was_wanted(
    visitor: httpx2.Client, client: httpx2.Client, workspace: str
) -> None:
    answer = visitor.post(
        "/console/en/sign-in",
        params={"next": f"{LIST}?q=twil"},
        data={"secret.token": f" Bearer {token_of(client)}\n"},
    )

    assert (answer.status_code, answer.headers["location"]) == (303, f"{LIST}?q=twil")
    assert workspace in visitor.get(LIST).text


@pytest.mark.parametrize(
    "pasted",
    ["{}\n", " Bearer {}", "TOKEN={}", "export TOKEN='{}'", '"{}"', "\u201c{}\u201d", "TOKEN: {}"],
)
def test_what_is_copied_with_a_token_is_removed(
    visitor: httpx2.Client, client: httpx2.Client, pasted: str
) -> None:
    token = token_of(client)
    wrapped = f"{token[:60]}\n  {token[60:]}"  # a terminal that is narrow

    answer = visitor.post("/console/en/sign-in", data={"secret.token": pasted.format(wrapped)})

    assert answer.status_code == 303


@pytest.mark.parametrize("wrong", ["nonsense", "", "a.b.c", "é\u0000", "x" * 9000])
def test_a_wrong_token_is_refused_and_not_repeated(visitor: httpx2.Client, wrong: str) -> None:
    answer = visitor.post("/console/en/sign-in", data={"secret.token": wrong})

    assert answer.status_code == 422
    assert "This token is not valid" in answer.text
    assert not wrong or wrong not in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "foreign",
    [
        *[
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "/console/\\evil",
            "/en/api",
        ],
        *["/console/../x", "/console/en/..", "/console/en/\t/evil.example", "/console/en/sign-out"],
        *["/console/en/enter", "/console/en/integrations\n", "/console/en/integrations#x"],
    ],
)
def test_nobody_is_led_to_another_site_after_signing_in(
    visitor: httpx2.Client, client: httpx2.Client, foreign: str
) -> None:
    form = {"secret.token": token_of(client)}
    answer = visitor.post("/console/en/sign-in", params={"next": foreign}, data=form)

    assert answer.headers["location"] == LIST


def test_the_cookie_is_for_the_console_alone_and_hidden_from_scripts(
    visitor: httpx2.Client, client: httpx2.Client, service: Service
) -> None:
    answer = visitor.post("/console/en/sign-in", data={"secret.token": token_of(client)})

    name_and_value, *attributes = answer.headers["set-cookie"].split("; ")
    port = service.address.rpartition(":")[2]
    assert name_and_value.startswith(f"integrations_{port}=")
    assert {each.lower() for each in attributes} == {"path=/console", "httponly", "samesite=strict"}
    assert token_of(client) not in str(answer.headers)


def test_the_cookie_opens_nothing_of_the_api(console: httpx2.Client) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in console.cookies.items())

    answer = console.get("/en/api/integration", headers={"Cookie": cookie})

    assert answer.status_code == 401


def test_after_signing_out_the_old_cookie_opens_nothing(console: httpx2.Client) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in console.cookies.items())

    answer = console.post("/console/en/sign-out")

    assert (answer.status_code, answer.headers["location"]) == (303, "/console/en/sign-in")
    assert console.get(LIST, headers={"Cookie": cookie}).status_code == 303


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE integrations.console_sessions SET used_at = now() - interval '31 minutes'",
        "UPDATE integrations.console_sessions SET expires_at = now() - interval '1 second'",
    ],
)
def test_a_session_ends_if_it_is_not_used_or_its_time_is_over(
    console: httpx2.Client, service: Service, change: LiteralString
) -> None:
    with psycopg.connect(service.environment["INTEGRATIONS_DATABASE_URL"]) as database:
        database.execute(change)

    assert console.get(LIST).status_code == 303


def test_a_page_of_another_site_is_asked_for_again_as_the_browser_keeps_the_cookie_back(
    visitor: httpx2.Client,
) -> None:
    answer = visitor.get(LIST, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0">' in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
    ],
)
def test_no_other_site_or_port_can_send_a_form(
    console: httpx2.Client, twilio: dict[str, Any], headers: dict[str, str]
) -> None:
    form = {"integration": twilio["id"], "isActive": "false"}
    answer = console.post(LIST, data=form, headers=headers)

    assert answer.status_code == 403
    assert 'aria-checked="true"' in console.get(LIST).text


def test_the_session_says_who_and_in_which_workspace(
    console: httpx2.Client, workspace: str
) -> None:
    page = console.get("/console/en/session").text

    assert workspace in page
    assert "integrations:delete" in page


def test_a_link_is_used_once_and_after_the_person_agrees(
    visitor: httpx2.Client, client: httpx2.Client, service: Service, workspace: str
) -> None:
    with httpx2.Client(base_url=service.address) as platform:
        answer = platform.post(
            "/en/api/console-link", headers={"Authorization": client.headers["authorization"]}
        )
    code = answer.json()["result"]["data"]["url"].partition("#")[2]

    question = visitor.post("/console/en/enter", data={"secret.code": code})
    assert f"Sign in to workspace \u2068{workspace}\u2069" in question.text
    assert not visitor.cookies
    agreed = {"secret.code": code, "agreed": "1"}
    assert visitor.post("/console/en/enter", data=agreed).headers["location"] == LIST
    again = visitor.post("/console/en/enter", data=agreed)
    assert (again.status_code, "used or too old" in again.text) == (422, True)


@pytest.mark.parametrize(
    "following", ["/console/en/add/TWILIO?name=A%20b", "https://evil.example/"]
)
def test_a_tab_that_asks_to_sign_in_goes_on_once_the_browser_has_a_session(
    visitor: httpx2.Client, console: httpx2.Client, following: str
) -> None:
    answer = console.get("/console/en/sign-in", params={"next": following})

    ours = following.startswith("/console/")
    assert (answer.status_code, answer.headers["location"]) == (303, following if ours else LIST)
    visitor.post("/console/en/sign-out")
    assert visitor.get("/console/en/sign-in", params={"next": following}).status_code == 200


@pytest.mark.parametrize("following", ["/console/de/add/TWILIO?name=A%3B+b", "/console/../x"])
def test_a_link_leads_on_to_the_page_that_was_wanted_before(
    visitor: httpx2.Client, client: httpx2.Client, following: str
) -> None:
    visitor.get("/console/en/sign-in", params={"next": following})
    url = client.post("/en/api/console-link").json()["result"]["data"]["url"]
    agreed = {"secret.code": url.partition("#")[2], "agreed": "1"}

    answer = visitor.post("/console/en/enter", data=agreed)

    assert answer.headers["location"] == (LIST if ".." in following else following)
    assert not any(name.endswith("_next") for name in visitor.cookies)


def test_the_first_page_is_in_the_language_of_the_browser(visitor: httpx2.Client) -> None:
    def led_to(languages: str) -> str:
        return visitor.get("/console", headers={"Accept-Language": languages}).headers["location"]

    assert led_to("ar-EG,en;q=0.5") == "/console/ar/integrations"
    assert led_to("xx, pt-BR;q=0.9") == "/console/pt/integrations"
    assert led_to("") == LIST


def test_a_page_after_a_language_alone_is_the_list(console: httpx2.Client) -> None:
    for path in ("/console/en", "/console/en/"):
        assert console.get(path).headers["location"] == LIST


def test_a_link_s_page_offers_no_other_language_as_the_code_would_stay_behind(
    visitor: httpx2.Client,
) -> None:
    assert "hreflang" not in visitor.get("/console/enter").text
    assert visitor.get("/console/de/enter").headers["location"] == "/console/de/integrations"


def test_who_sends_a_form_after_the_session_is_told_that_nothing_was_saved(
    visitor: httpx2.Client,
) -> None:
    form = {"name": "Twilio SMS", "secret.apiKey": "AC-secret", "apiSecret": "secret-too"}
    location = visitor.post("/console/en/add/TWILIO", data=form).headers["location"]

    assert "name%3DTwilio" in location
    assert "secret" not in location.lower()
    assert "nothing was saved" in visitor.get(location).text
    assert "nothing was saved" not in visitor.get("/console/en/sign-in").text
    for site in ("cross-site", "same-site", "none"):  # a link that nothing was sent before
        assert (
            "nothing was saved" not in visitor.get(location, headers={"Sec-Fetch-Site": site}).text
        )


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("integrations?q=twil&channel=SMS&page=2", "?q=twil&channel=SMS&page=2"),
        ("history?startDate=2026-11-29&token=abc", "?startDate=2026-11-29"),
        ("add/TWILIO?name=A%20b&settings.region=IE1&apiKey=x", "?name=A+b&settings.region=IE1"),
        ("audit?done=deleted&secret.token=x&Q=x", ""),
    ],
)
def test_the_page_to_come_back_to_keeps_what_selects_it_and_nothing_else(
    visitor: httpx2.Client, asked: str, kept: str
) -> None:
    location = visitor.get(f"/console/en/{asked}").headers["location"]

    [(_, next_page)] = parse_qsl(location.partition("?")[2])
    assert next_page == f"/console/en/{asked.partition('?')[0]}{kept}"


@pytest.mark.parametrize(
    ("place", "form", "kept"),
    [
        ("add/TWILIO", {"name": "Mine"}, "?name=Mine"),
        ("add/TWILIO", {"settings.region": "IE1"}, "?settings.region=IE1"),
        ("add/TWILIO", {"secret.apiKey": "typed-secret"}, ""),
        ("integrations", {"integration": "int_1", "isActive": "false"}, ""),
        ("defaults", {"channel": "SMS", "integration": "int_1"}, ""),
    ],
)
def test_what_is_still_there_after_a_session_is_promised_only_of_what_was_typed(
    visitor: httpx2.Client, place: str, form: dict[str, str], kept: str
) -> None:
    answer = visitor.post(f"/console/en/{place}", data=form)

    wanted = httpx2.URL(answer.headers["location"]).params["next"]
    assert wanted == f"/console/en/{place}{kept}"
    page = visitor.get(answer.headers["location"]).text
    assert "Your session is over, and nothing was saved" in page
    assert ("what you typed is still there" in page) == bool(kept)


def test_a_form_of_a_thousand_fields_is_not_put_into_an_address(visitor: httpx2.Client) -> None:
    form = {f"f{number}": "x" * 20 for number in range(900)}

    location = visitor.post("/console/en/add/TWILIO", data=form).headers["location"]

    assert location == "/console/en/sign-in?next=%2Fconsole%2Fen%2Fadd%2FTWILIO&lost=1"


@pytest.mark.parametrize(
    "name", ["secret.apiKey", "Secret.apiKey", "apiKey", "_key", "token", "done"]
)
def test_links_to_other_languages_repeat_nothing_that_may_be_a_secret(
    console: httpx2.Client, name: str
) -> None:
    page = console.get("/console/en/add/SENDGRID", params={name: "typed-secret", "name": "n"}).text

    assert "typed-secret" not in page
    assert "SENDGRID?name=n" in page.replace("&#x2f;", "/")


def test_a_method_that_no_page_has_and_a_form_that_is_too_large_say_so(
    console: httpx2.Client,
) -> None:
    assert console.put(LIST).status_code == 405
    assert (
        console.post("/console/en/sign-in", data={"secret.token": "x" * 70_000}).status_code == 413
    )
