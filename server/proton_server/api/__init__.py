"""HTTP in, HTTP out: connections, authentication, AWS JSON 1.0."""
