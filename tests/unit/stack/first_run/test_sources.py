"""Of a person's files for pip and uv: where packages come from, and nothing that changes what is installed."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from workshop.stack.first_run import environment, install, sources

PIP = """
[global]
index-url = https://me:secret@packages.example/simple
extra-index-url =
    https://one.example/simple
    https://two.example/simple
cert = /etc/company.pem
require-virtualenv = true
user = true
target = /nowhere
prefix = /nowhere
no-binary = :all:
[install]
trusted-host = packages.example
require-hashes = true
constraint = /nowhere
[list]
format = columns
"""
UV = """
index-url = "https://packages.example/simple"
system-certs = true
offline = true
no-binary = true
link-mode = "symlink"
python-preference = "only-managed"
exclude-newer = "2001-01-01"
cache-dir = "/var/cache/company"

[[index]]
name = "company"
url = "https://company.example/a\\"b"
default = true

[pip]
target = "/nowhere"
require-hashes = true
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's folder with both files, on a machine that has none of its own."""
    monkeypatch.setattr(sources, "SYSTEM", tmp_path / "etc")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "etc" / "xdg"))
    for name, text in (("pip/pip.conf", PIP), ("uv/uv.toml", UV)):
        (tmp_path / ".config" / name).parent.mkdir(parents=True)
        (tmp_path / ".config" / name).write_text(text)
    return tmp_path


def test_pip_knows_where_packages_come_from_and_no_more(home: Path) -> None:
    """Said by pip itself, which reads no file then."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        env={"PATH": os.environ["PATH"], "HOME": str(home), **sources.variables(home / "made")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert sorted(told) == [
        ":env:.cert='/etc/company.pem'",
        ":env:.config-file='/dev/null'",
        ":env:.extra-index-url='https://one.example/simple https://two.example/simple'",
        ":env:.index-url='https://me:secret@packages.example/simple'",
        ":env:.trusted-host='packages.example'",
    ]


def test_uv_knows_where_packages_come_from_and_no_more(home: Path) -> None:
    """In a file of our own, that is TOML whatever stood in the person's."""
    found = sources.variables(home / "made")
    assert tomllib.loads(Path(found["UV_CONFIG_FILE"]).read_text()) == {
        "index-url": "https://packages.example/simple",
        "system-certs": True,
        "cache-dir": "/var/cache/company",
        "index": [{"name": "company", "url": 'https://company.example/a"b', "default": True}],
    }


def test_a_variable_wins_over_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pip has it."""
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.example/simple")
    assert "PIP_INDEX_URL" not in sources.variables(home / "made")


@pytest.mark.parametrize("text", ["\xff\x00", "[global", "index-url = 'x", "[global]\nindex-url", "= = ="])
def test_a_file_that_is_broken_is_none(home: Path, text: str) -> None:
    """Nothing is read from it, and nothing ends."""
    for name in ("pip/pip.conf", "uv/uv.toml"):
        (home / ".config" / name).write_bytes(text.encode("latin-1"))
    found = sources.variables(home / "made")
    assert set(found) == {"PIP_CONFIG_FILE", "UV_CONFIG_FILE"}
    assert Path(found["UV_CONFIG_FILE"]).read_text() == ""


def test_a_file_named_by_a_variable_is_read_through_the_whole_installation(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A company's index may be told in no other way; the other lines of that file do not count."""
    for variable, name in (("PIP_CONFIG_FILE", "pip/pip.conf"), ("UV_CONFIG_FILE", "uv/uv.toml")):
        (home / ".config" / name).rename(home / variable)
        monkeypatch.setenv(variable, str(home / variable))
    monkeypatch.setattr(install, "ROOT", home)
    monkeypatch.setattr(install, "LOG", home / ".run" / "logs" / "install.log")
    install.LOG.parent.mkdir(parents=True)
    environment.clean_up()
    install.run("Asking", [sys.executable, "-c", "import os; print(*map('='.join, os.environ.items()), sep='\\n')"])
    given = dict(line.split("=", 1) for line in install.LOG.read_text().splitlines())
    assert given["PIP_INDEX_URL"] == "https://me:secret@packages.example/simple"
    assert given["PIP_CONFIG_FILE"] == os.devnull
    assert tomllib.loads(Path(given["UV_CONFIG_FILE"]).read_text())["index-url"] == "https://packages.example/simple"
