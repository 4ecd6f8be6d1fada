"""The document in Swagger UI, in a real browser: Execute works with what is filled in (O12)."""

import re
from pathlib import Path

import httpx2

from tests.support.browser import WAITING, needs_browser, open_browser
from tests.support.service import Service

pytestmark = needs_browser
# The page itself takes no other scripts: this one has the same bundle, and what a user clicks.
DRIVER = """<!doctype html><div id="docs"></div>
<script src="%(bundle)s"></script><script>
const ui = SwaggerUIBundle({
  domNode: document.getElementById("docs"), url: "%(document)s", validatorUrl: null,
  docExpansion: "list",
  requestInterceptor: (request) => {
    request.headers.Authorization = "Bearer %(token)s";
    return request;
  },
});
</script>"""


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

    with open_browser("--disable-web-security") as browser:
        page = browser.new_page()
        page.set_default_timeout(WAITING)
        page.goto(driver.as_uri())
        operation = page.locator("[id$=listIntegrations]")
        operation.locator(".opblock-summary-control").click()
        operation.get_by_role("button", name="Try it out").click()
        listed = f"{service.address}/en/api/integration"
        with page.expect_response(listed) as response:
            operation.get_by_role("button", name="Execute").click()
        assert response.value.status == 200
