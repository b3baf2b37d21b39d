"""Properties are checked for truth, not for speed: the machine may be busy with other tests."""

from hypothesis import settings

settings.register_profile("agent", deadline=None)
settings.load_profile("agent")
