"""What makes a machine ready for this project and shows it off; run as `python -m tools.…` from the root.

Everything `bootstrap` reaches is standard library only, because it runs before anything is installed. Nothing
in `provider/`, `sdk/` or `server/` may import from here.
"""
