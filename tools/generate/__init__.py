"""What is generated from the declarations: the SDK and the tables of the docs. `make gen` runs it."""
