"""The only importers of pulumi. Adapters are unaware of each other; they translate types and add nothing."""
