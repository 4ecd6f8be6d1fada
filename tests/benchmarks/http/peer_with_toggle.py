"""The peer with a toggle, in the peer's own words: it comes without one.

Runs in the peer's environment, in which `app` is ../shared/peers/fastapi_crud/app.py.
"""
# pyright: basic, reportAttributeAccessIssue=false
# In our own environment `app` is another package, which has none of these names.

import datetime as dt
import uuid

import app as peer

app = peer.app


class ToggleIn(peer.Camel):
    """What is sent."""

    model_config = {"extra": "forbid"}  # noqa: RUF012 — as pydantic wants it
    is_active: bool


@app.post("/{locale}/api/integration/{iid}/toggle", response_model=peer.One)
async def toggle(
    locale: peer.Locale,  # noqa: ARG001 — a path parameter, checked by its type
    iid: uuid.UUID,
    body: ToggleIn,
    ws: peer.WS,
    db: peer.DB,
) -> object:
    """Switch one integration on or off."""
    row = await db.scalar(
        peer.select(peer.Integration).where(
            peer.Integration.id == iid, peer.Integration.workspace_id == ws
        )
    )
    if row is None:
        raise peer.HTTPException(404, "not found")
    row.is_active = body.is_active
    row.updated_at = dt.datetime.now(dt.UTC)
    await db.commit()
    data = peer.IntegrationOut.model_validate(row)
    return peer.One(result=peer.Result(data=data, message="Integration updated", status=200))
