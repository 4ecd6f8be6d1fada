"""The API's documentation as a page: Swagger UI from this folder, nothing from another host."""
