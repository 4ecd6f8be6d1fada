import json

from tests.fuzzing.mutation import MAX_INPUT, json_locations, mutate

BODY = b'{"name": "Mail", "tags": ["a", {"b": null}]}'
SEEDS = range(2_000)


def test_the_same_seed_makes_the_same_input() -> None:
    assert mutate(BODY, (b"word",), 4) == mutate(BODY, (b"word",), 4)


def test_most_inputs_are_new_and_none_is_endless() -> None:
    made = {mutate(BODY, (b"word",), seed) for seed in SEEDS}

    assert len(made) > 1_500
    assert max(map(len, made)) <= MAX_INPUT


def test_input_that_is_no_json_is_mutated_too() -> None:
    for data in (b"", b"\xff", b"[]", b"3"):
        assert len({mutate(data, (b"word",), seed) for seed in SEEDS}) > 50


def test_every_place_of_a_document_is_found() -> None:
    assert [key for _, key in json_locations(json.loads(BODY))] == ["name", "tags", 0, 1, "b"]


def test_a_value_is_put_in_the_place_of_another_and_the_rest_stays() -> None:
    made = {mutate(BODY, (), seed) for seed in SEEDS}

    assert b'{"name": "Mail", "tags": null}' in made
    assert b'{"name": "", "tags": ["a", {"b": null}]}' in made
