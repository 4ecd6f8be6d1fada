"""What settings make of the providers."""

from pathlib import Path

from app.bootstrap import load_provider_types
from app.settings import read_settings


def test_the_operators_folder_adds_types() -> None:
    folder = Path(__file__).parents[1] / "providers"
    settings = read_settings({"INTEGRATIONS_PROVIDERS": str(folder)})

    assert "POSTMARK" in load_provider_types(settings)
    assert "POSTMARK" not in load_provider_types(read_settings({}))
