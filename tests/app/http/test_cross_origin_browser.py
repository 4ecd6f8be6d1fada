"""Cross-origin access from pages in a real browser, which enforces what our headers say."""

import json
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.support.browser import WAITING, needs_browser, open_browser
from tests.support.service import StartService
from tests.support.serving import serving

pytestmark = needs_browser
# A page that does what a client does, one request after the other, and shows what it could read.
PAGE = """<!DOCTYPE html><title>A page of another origin</title><pre id="seen"></pre>
<script type="module">
const api = API, token = TOKEN, seen = [];
async function ask(path, method = "GET", body = undefined, headers = {}) {
  const options = {method, headers: {Authorization: `Bearer ${token}`, ...headers}};
  if (body) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  try {
    const response = await fetch(api + path, options);
    const shown = {status: response.status, headers: Object.fromEntries(response.headers)};
    seen.push({...shown, result: (await response.json()).result});
    return response;
  } catch (error) {
    seen.push({error: error.name});
  }
}
const path = "/en/api/integration", first = {name: "n", type: "TWILIO", channel: "SMS"};
const once = {"Idempotency-Key": "k"};
const created = await ask(path, "POST", first, {...once, Prefer: "handling=strict"});
const place = created?.headers.get("Location") ?? path;
const version = created?.headers.get("ETag") ?? "";
// What tracing and libraries add to each request of a page
const added = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "a=b",
  baggage: "a=b", "sentry-trace": "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", b3: "0",
  "X-Requested-With": "XMLHttpRequest", "Cache-Control": "no-cache", Pragma: "no-cache"
};
await ask(path, "POST", first, {...once, ...added, "X-Request-Id": "mine"});
await ask(place, "PATCH", {name: "m"}, {"If-Match": version});
await ask(place, "PATCH", {name: "o"}, {"If-Match": version});
await ask(place, "PUT", {});
await ask(`${place}/credentials`, "PUT", {apiKey: "AC1"});
await ask(place, "GET", undefined, {"If-None-Match": version});
await ask(path, "GET", undefined, {Authorization: "Bearer wrong"});
await ask("/en/nowhere");
await ask(place, "DELETE");
async function firstChange() {
  const headers = {
    Authorization: `Bearer ${token}`, Accept: "text/event-stream", "Last-Event-ID": "0"
  };
  const response = await fetch(`${api}/en/api/integration-changes`, {headers});
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes('"subject"')) text += (await reader.read()).value;
  await reader.cancel();
  return text;
}
seen.push(await firstChange().then(stream => ({stream}), error => ({error: error.name})));
document.getElementById("seen").textContent = JSON.stringify(seen);
</script>"""


@contextmanager
def site() -> Generator[tuple[str, Callable[[str], None]]]:
    """Serve one page; give its origin, and what sets its text."""
    text: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(text[-1].encode())

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Log nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}", text.append


def seen_by(browser: Browser, origin: str) -> list[dict[str, Any]]:
    """Return what the page at *origin* could read of each response."""
    page = browser.new_page()
    page.goto(origin)
    seen = page.locator("#seen:not(:empty)")
    return json.loads(seen.inner_text(timeout=WAITING))


def test_a_page_of_a_named_origin_can_use_the_api_and_another_cannot(
    data_dir: Path, start_service: StartService
) -> None:
    with ExitStack() as stack:
        named, set_named = stack.enter_context(site())
        other, set_other = stack.enter_context(site())
        service = stack.enter_context(start_service(data_dir, cors_origins=named))
        for set_text in (set_named, set_other):
            page = PAGE.replace("API", json.dumps(service.address))
            set_text(page.replace("TOKEN", json.dumps(service.token())))
        browser = stack.enter_context(open_browser())
        ours, theirs = seen_by(browser, named), seen_by(browser, other)

    assert {step.get("error") for step in theirs} == {
        "TypeError"
    }  # what fetch says of all it hides
    created, replayed, changed, stale, wrong, replaced, got, refused, missing, deleted, stream = (
        ours
    )
    assert [step.get("status") for step in ours[:-1]] == [
        *(201, 201, 200, 412, 405, 200, 200, 401, 404, 200)
    ]
    assert (created["headers"]["etag"], changed["headers"]["etag"]) == ('"1"', '"2"')
    assert created["headers"]["location"].endswith(created["result"]["data"]["id"])
    assert created["headers"]["preference-applied"] == "handling=strict"
    assert replayed["headers"]["idempotency-replayed"] == "true"
    assert replayed["headers"]["x-request-id"] == "mine"
    assert stale["result"]["error"] == "PRECONDITION_FAILED"
    assert wrong["result"]["error"] == "METHOD_NOT_ALLOWED"
    assert replaced["result"]["data"]["name"] == got["result"]["data"]["name"] == "m"
    assert refused["headers"]["www-authenticate"].startswith("Bearer")
    assert missing["result"]["requestId"] == missing["headers"]["x-request-id"]
    assert deleted["result"]["data"] is None
    assert created["result"]["data"]["id"] in stream["stream"]
