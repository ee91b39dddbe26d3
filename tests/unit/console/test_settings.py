"""The console's settings."""

import pytest

from workshop.console.settings import Settings, SettingsError


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"BIND": "8085"}, "BIND is '8085'"),
        ({"BIND": "a:b"}, "host:port"),
        ({"JAEGER_URL": "jaeger:16686"}, "JAEGER_URL is"),
    ],
)
def test_a_setting_that_cannot_be_is_named(env: dict[str, str], words: str) -> None:
    """The error says which variable, what it is, and what it should be."""
    with pytest.raises(SettingsError, match=words):
        Settings.from_environment(env)


def test_settings_come_from_the_environment() -> None:
    """A slash at the end is dropped, and extra host names are added to the local ones."""
    settings = Settings.from_environment({"JAEGER_URL": "http://jaeger:16686/", "ALLOWED_HOSTS": "Teach.local, x"})
    assert settings.jaeger_url == "http://jaeger:16686"
    assert {"localhost", "teach.local", "x"} <= settings.allowed_hosts
