"""The resource Environment."""
