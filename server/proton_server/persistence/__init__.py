"""The database: its store, its tables, SQLite and PostgreSQL."""
