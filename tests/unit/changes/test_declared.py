"""What can be set, and what is refused before anything is touched."""

from pathlib import Path

import pytest

from workshop.changes import declared, making
from workshop.changes.kinds import Setting
from workshop.stack.errors import StackError
from workshop.stack.settings import Settings


@pytest.mark.parametrize(
    ("service", "name", "value"),
    [
        ("payment", "PROVIDER_TIMEOUT_SECONDS", "0.03"),
        ("payment", "PROVIDER_ATTEMPTS", "20"),
        ("order", "DATABASE_POOL_SIZE", "2"),
        ("order-worker", "SETTLE_AFTER_SECONDS", "60"),
        ("provider", "PROVIDER_LATENCY_MS", "400"),
        ("inventory", "OTEL_TRACES_SAMPLER", "traceidratio"),
        ("gateway", "OTEL_TRACES_SAMPLER_ARG", "0.1"),
        ("collector", "TAIL_SAMPLING_PERCENTAGE", "0"),
        ("gateway", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "threading,redis"),
    ],
)
def test_what_a_service_declares_can_be_set(service: str, name: str, value: str) -> None:
    """A value within its bounds raises nothing, and the setting is one of those that are listed."""
    declared.check(service, name, value)
    assert name in declared.settable(service)


@pytest.mark.parametrize(
    ("service", "name", "value", "told"),
    [
        ("payment", "PROVIDER_ATTEMPTS", "21", "less than or equal to 20"),
        ("payment", "PROVIDER_ATTEMPTS", "2.5", "valid integer"),
        ("payment", "PROVIDER_ATTEMPTS", "", "valid integer"),
        ("payment", "PROVIDER_TIMEOUT_SECONDS", "nan", "PROVIDER_TIMEOUT_SECONDS=nan"),
        ("payment", "PROVIDER_TIMEOUT_SECONDS", "inf", "less than or equal to 30"),
        ("payment", "PROVIDER_TIMEOUT_SECONDS", "0", "greater than 0"),
        ("payment", "LOG_LEVEL", "LOUD", "LOG_LEVEL=LOUD"),
        ("payment", "PROVIDER_ATEMPTS", "2", "did you mean PROVIDER_ATTEMPTS"),
        ("payment", "provider_attempts", "2", "did you mean PROVIDER_ATTEMPTS"),
        ("payment", "SERVICE_SECRET", "x" * 32, "has no setting SERVICE_SECRET"),
        ("payment", "PROVIDER_URL", "http://x", "has no setting PROVIDER_URL"),
        ("payment", "PATH", "/tmp", "has no setting PATH"),
        ("gateway", "OTEL_TRACES_SAMPLER", "sometimes", "OTEL_TRACES_SAMPLER=sometimes"),
        ("gateway", "OTEL_TRACES_SAMPLER_ARG", "1.1", "less than or equal to 1"),
        ("gateway", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "a'\nb", "cannot be printed"),
        ("gateway", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "$(id)", "should match"),
        ("postgres", "X", "1", "no process that can be changed"),
        ("paymant", "PROVIDER_ATTEMPTS", "1", "did you mean payment"),
        ("", "", "", "no process that can be changed"),
    ],
)
def test_what_is_wrong_is_refused(service: str, name: str, value: str, told: str) -> None:
    """With what would be right."""
    with pytest.raises(StackError) as caught:
        declared.check(service, name, value)
    assert told in str(caught.value)


def test_every_setting_says_what_it_is_for() -> None:
    """`spans set SERVICE` lists them: a line each, with words."""
    for service in declared.DECLARED:
        found = declared.settable(service)
        assert found
        assert all(field.description and name.isupper() for name, field in found.items())


def test_the_real_jaeger_has_no_sampling_to_set(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is on PATH it stands for the collector on the local runtime, and takes no such variable."""
    change = Setting(service="collector", values={"TAIL_SAMPLING_PERCENTAGE": "10"})
    making.check(settings, change, "local")
    (tmp_path / "jaeger").write_text("#!/bin/sh\n")
    (tmp_path / "jaeger").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    making.check(settings, change, "docker")
    with pytest.raises(StackError, match="no such setting"):
        making.check(settings, change, "local")
