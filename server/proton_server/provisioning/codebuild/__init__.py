"""CodeBuild provisioning: the builds of an environment, and the project that they run in."""
