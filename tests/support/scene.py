"""A workspace with some connections, and somebody who looks at it."""

import httpx2
from playwright.sync_api import Page, expect

from tests.support.service import Service
from tests.support.window import Window, add, add_sendgrid

LOCALES = ("en", "ar")


class Scene:
    """A signed-in window at a workspace with some connections, in one language."""

    def __init__(
        self, window: Window, client: httpx2.Client, service: Service, locale: str
    ) -> None:
        self.window = window
        self.client = client
        self.service = service
        self.page = window.page
        self.locale = locale
        self.ids: list[str] = []

    def open(self, path: str) -> Page:
        """Open the page at *path* behind the language."""
        return self.window.open(f"/console/{self.locale}/{path}")

    def of_one(self, place: str = "") -> Page:
        """Open a page of the connection to Twilio."""
        return self.open(f"integrations/{self.ids[0]}{place}")

    def send(self) -> None:
        """Send the form of the page, and wait for what is wrong with it."""
        self.page.locator("form[data-guarded] button.primary, form[data-guarded] .danger").click()
        expect(self.page.locator("[data-focus]")).to_be_focused()


def open_scene(window: Window, client: httpx2.Client, service: Service, locale: str) -> Scene:
    """Return a scene whose workspace has three connections; the first one was checked."""
    scene = Scene(window, client, service, locale)
    keys = {"apiKey": "AC" + "0" * 32, "apiSecret": "5ec2e7" + "1" * 26}
    twilio = {"name": "Twilio SMS", "type": "TWILIO", "channel": "SMS"}
    scene.ids = [
        add(client, **twilio, senderPhone="+447700900000", **keys),
        add_sendgrid(client, senderEmail="a-rather-long-address@of-a-customer.example.com"),
        add(client, name="N" * 60, type="FIREBASE_FCM", channel="PUSH", isActive=False),
    ]
    client.post(f"/en/api/integration/{scene.ids[0]}/check").raise_for_status()
    return scene
