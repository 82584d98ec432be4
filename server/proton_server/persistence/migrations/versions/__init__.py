"""A migration for each version of the schema: it never changes once a release has it."""
