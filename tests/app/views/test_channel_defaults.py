"""Whether an integration is the default of a channel, asked for by many at once."""

import asyncio

from psycopg import Connection
from psycopg.rows import TupleRow

from app.database.pools import Pool
from app.views.channel_defaults import ChannelDefaultViews

CHOSEN = [("mine", "EMAIL", "int_1"), ("mine", "SMS", "int_2"), ("theirs", "EMAIL", "int_3")]


def choose_defaults(admin: Connection[TupleRow]) -> None:
    for workspace, channel, integration in CHOSEN:
        admin.execute(
            "INSERT INTO integrations.channel_default_view VALUES (%s, %s, 1, %s, now())",
            (workspace, channel, integration),
        )


async def test_each_question_gets_the_answer_of_its_own_workspace(
    queries: Pool, admin: Connection[TupleRow]
) -> None:
    choose_defaults(admin)
    views = ChannelDefaultViews(queries)
    questions = [(w, f"int_{n}") for w in ("mine", "theirs", "nobody") for n in range(1, 5)] * 8

    answers = await asyncio.gather(*(views.includes(*question) for question in questions))

    chosen = {(workspace, integration) for workspace, _, integration in CHOSEN}
    assert answers == [question in chosen for question in questions]
    assert views.batchers["defaults"].batches < len(questions)
