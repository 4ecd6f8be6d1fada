"""The document in Swagger UI, in a real browser: Execute works with what is filled in (O12)."""

import json
import re
from pathlib import Path

import httpx2

from tests.support.browser import needs_browser, open_page
from tests.support.service import Service

pytestmark = needs_browser
# The page itself takes no other scripts: this one has the same bundle, and what a user clicks.
DRIVER = """<!doctype html><div id="docs"></div><pre id="asked"></pre>
<script src="%(bundle)s"></script><script>
const asked = [];
const ui = SwaggerUIBundle({
  domNode: document.getElementById("docs"), url: "%(document)s", validatorUrl: null,
  docExpansion: "list",
  requestInterceptor: (request) => { request.headers.Authorization = "Bearer %(token)s"; return request; },
  responseInterceptor: (response) => {
    asked.push([response.url, response.status]);
    document.getElementById("asked").textContent = JSON.stringify(asked);
    return response;
  },
  onComplete: () => setTimeout(() => {
    const operation = document.querySelector("[id$=listIntegrations]");
    operation.querySelector(".opblock-summary-control").click();
    setTimeout(() => operation.querySelector(".try-out__btn").click(), 500);
    setTimeout(() => operation.querySelector(".execute").click(), 1000);
  }, 1000),
});
</script>"""  # noqa: E501 — a page


def test_execute_asks_in_english_and_gets_the_list(service: Service, tmp_path: Path) -> None:
    page = httpx2.get(f"{service.address}/docs").text
    (bundle,) = re.findall(r'src="(/docs/assets/[^"]*swagger-ui-bundle\.js)"', page)
    values = {
        "bundle": service.address + bundle,
        "document": f"{service.address}/docs/openapi.json",
        "token": service.token(workspace="browser"),
    }
    driver = tmp_path / "driver.html"
    driver.write_text(DRIVER % values)

    seen = open_page(driver.as_uri(), tmp_path, "--disable-web-security").stdout

    (asked,) = re.findall(r'<pre id="asked">(.*?)</pre>', seen)
    assert [f"{service.address}/en/api/integration", 200] in json.loads(asked)
