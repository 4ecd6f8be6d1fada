"""The OpenAPI document, completed to the truth."""
