"""The command line: `proton-server`."""
