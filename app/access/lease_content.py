"""What a lease holds, sealed: all that sending needs, so that nothing else has to be trusted."""

import msgspec

from app.access.lease_request import Secrets
from app.providers.provider_file import ProviderFile
from app.secrets.secret import Secret
from app.views.lease_material import LeaseMaterial


def content_of(material: LeaseMaterial, secrets: Secrets, provider: ProviderFile | None) -> Secret:
    """Return all that sending with *material* needs, as JSON; *secrets* are its own, opened."""
    content: dict[str, object] = {
        "type": material.type,
        "channel": material.channel,
        "senderEmail": material.sender_email,
        "senderName": material.sender_name,
        "senderPhone": material.sender_phone,
        "vapidPublicKey": material.vapid_public_key,
    }
    if material.settings:
        content["settings"] = material.settings
    if url := base_url(material, provider):
        content["baseUrl"] = url
    for field, secret in secrets.items():
        content[field] = secret.reveal().decode()
    return Secret(msgspec.json.encode(content))


def base_url(material: LeaseMaterial, provider: ProviderFile | None) -> str | None:
    """Return the address of the region that *material* sets or a check found.

    None if the provider has several and none is known.
    """
    if provider is None or not provider.regions:
        return None
    if len(provider.regions) == 1:
        return provider.regions[0].url
    wanted = (material.settings or {}).get("region") or material.region
    urls = {region.name.upper(): region.url for region in provider.regions}
    return urls.get((wanted or "").upper())
