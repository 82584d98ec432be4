"""Speed claims: each a command, with its peer measured in the same run, as ratios."""
