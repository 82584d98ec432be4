"""Property-based tests ask whether a decision is right, not how fast a shared machine makes it."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("provider", deadline=None)
hypothesis.settings.load_profile("provider")
