"""Functions: what a program reads from AWS Proton without managing it."""
