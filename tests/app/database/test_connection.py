"""An address that leads to no server but one that takes writes."""

from psycopg.conninfo import conninfo_to_dict

from app.database.pools import connection_info

THREE = "host=a,b,c dbname=integrations target_session_attrs=any"


def test_an_address_that_would_take_any_server_is_led_to_one_that_takes_writes() -> None:
    found = conninfo_to_dict(connection_info(THREE, "integrations_query"))
    assert (found["host"], found["target_session_attrs"]) == ("a,b,c", "read-write")
