"""Sends the mails of an outbox through SendGrid, with a leased key.

It sends while the service is away, as long as its lease lasts; uses another key within a moment of
a rotation; stops when the integration is switched off, and continues when it is on again. A mail of
which it is not known whether SendGrid took it, because one of the two was killed meanwhile, is
looked up in SendGrid's Email Activity (an add-on, with a permission of its own) once that has had
the time to know; without it such mails stay `claimed` for a person to decide.
"""

import argparse
import signal
import sys
import time
from pathlib import Path

import httpx
from integrations_client import (
    Integrations,
    IntegrationsError,
    Lease,
    RefusedError,
    UnauthorizedError,
)
from outbox import Mail, Outbox

PAUSE = 0.2  # seconds, when there is nothing to send
REFUSED_PAUSE = 0.5  # when nothing may be sent
DEFAULT_URL = "https://api.sendgrid.com"
NOT_TAKEN = (401, 403, 429)  # SendGrid refuses before it takes the mail
BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Worker:
    """Sends mails one after the other, until it is stopped."""

    def __init__(self, options: argparse.Namespace, client: Integrations, outbox: Outbox) -> None:
        self._options = options
        self._client = client
        self._outbox = outbox
        self._http = httpx.Client(auth=client.auth(options.integration), timeout=10)
        self._reported = ""
        self.is_stopped = False

    def run(self) -> None:
        """Send until stopped, or with `--drain` until the outbox is settled."""
        while not self.is_stopped:
            try:
                lease = self._client.lease(self._options.integration)
            except IntegrationsError as error:
                self._report(error)
                may_change = isinstance(error, RefusedError | UnauthorizedError)
                time.sleep(REFUSED_PAUSE if may_change else PAUSE)
                continue
            self._report(None)
            self._look_up(lease)
            mail = self._outbox.claim()
            if mail:
                self._send(mail, lease)
            elif self._options.drain and not self._outbox.count("claimed"):
                return
            else:
                time.sleep(PAUSE)

    def _send(self, mail: Mail, lease: Lease) -> None:
        """Send *mail*, and record what became of it if that is known."""
        try:
            response = self._http.post(self._url(lease, "/v3/mail/send"), json=body(mail, lease))
        except (IntegrationsError, *BEFORE_SENDING) as error:
            # The first request was refused with 401, or there was none: SendGrid has no such mail.
            self._outbox.settle(mail.id, "queued", str(error))
            time.sleep(PAUSE)
            return
        except httpx.TransportError:
            return  # it may have been taken: _look_up asks
        if response.status_code in NOT_TAKEN:
            self._outbox.settle(mail.id, "queued", f"SendGrid answered {response.status_code}")
            time.sleep(PAUSE)
        elif response.is_success:
            self._outbox.settle(mail.id, "sent", response.headers.get("x-message-id"))
        elif response.is_client_error:
            self._outbox.settle(mail.id, "rejected", response.text[:1000])

    def _look_up(self, lease: Lease) -> None:
        """Settle mails of which it is not known whether SendGrid took them."""
        for mail_id in self._outbox.unsettled(time.time() - self._options.settle_after):
            query = f"(unique_args['outbox_id']=\"{mail_id}\")"
            url = self._url(lease, "/v3/messages")
            try:
                found = self._http.get(url, params={"query": query, "limit": 1})
                found.raise_for_status()
                messages = found.json()["messages"]
            except (IntegrationsError, httpx.HTTPError, ValueError, KeyError):
                return
            self._outbox.settle(mail_id, "sent" if messages else "queued", "looked up")

    def _url(self, lease: Lease, path: str) -> str:
        return (self._options.provider or lease.base_url or DEFAULT_URL) + path

    def _report(self, error: IntegrationsError | None) -> None:
        """Print each change of what the worker can do, once."""
        told = f"not sending: {error.args[0]}" if error else "sending"
        if told != self._reported:
            self._reported = told
            print(told, flush=True)


def body(mail: Mail, lease: Lease) -> dict[str, object]:
    """Return the request body of SendGrid's v3 Mail Send."""
    sender = {"email": lease.sender_email} | (
        {"name": lease.sender_name} if lease.sender_name else {}
    )
    return {
        "personalizations": [
            {"to": [{"email": mail.recipient}], "custom_args": {"outbox_id": mail.id}}
        ],
        "from": sender,
        "subject": mail.subject,
        "content": [{"type": "text/plain", "value": mail.text}],
    }


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in ("service", "integration", "token-file", "key", "service-key", "outbox"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--provider", help="another address than SendGrid's, for tests")
    parser.add_argument("--settle-after", type=float, default=600.0, metavar="SECONDS")
    parser.add_argument("--drain", action="store_true", help="end when all mails are settled")
    return parser.parse_args()


def main() -> None:
    """Run a worker until SIGTERM or Ctrl-C, or with `--drain` until the outbox is settled."""
    options = read_options()
    client = Integrations(
        options.service,
        token=lambda: Path(options.token_file).read_text(),
        key=options.key,
        service_key=options.service_key,
        purpose="sendgrid-worker",
    )
    with client, Outbox(Path(options.outbox)) as outbox:
        outbox.require_alone()
        worker = Worker(options, client, outbox)

        def stop(_signal: int, _frame: object) -> None:
            worker.is_stopped = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        worker.run()


if __name__ == "__main__":
    sys.exit(main())
