"""The HTTP API: controllers, envelope, problems; the only package that imports Litestar."""
