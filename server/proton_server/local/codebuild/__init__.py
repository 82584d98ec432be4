"""The local CodeBuild: moto's only pretends to build, this one runs the commands.

They run on this machine, as the user who started the server, without a container around them: what keeps them
apart is a workspace and an environment of their own (`workspace.py`). For `proton-server local` only.
"""
