"""Self-managed provisioning: pull requests with an environment's files."""
