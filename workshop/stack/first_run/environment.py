"""What is let in of a person's environment: by every command, the installation, the processes and the tests alike.

A shell is full of variables that mean something to a library: PGHOSTADDR sent `make fix` to another server's
database, PIP_REQUIRE_HASHES stops an installation, OTEL_PROPAGATORS a client. So what is not named here is not there.
Python's own library only: the installation asks, too.
"""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

# Every setting is a variable, too.
EXAMPLE = Path(__file__).resolve().parents[3] / ".env.example"
SETTINGS = frozenset(re.findall(r"^([A-Z_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))

# What a program needs to find its way on a machine: the person, the folders, the language, the terminal.
PLACES = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TMP", "TEMP", "TZ", "PWD", "LANG", "LANGUAGE", "CI"),
    *("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "LD_LIBRARY_PATH", "LOCALE_ARCHIVE"),
    *("MAKELEVEL", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "SYSTEMROOT"),
)
FAMILIES = ("LC_", "XDG_", "DOCKER_", "BUILDKIT_", "NIX_", "WSL")
# The way to the outside world is the person's: proxies, certificates, and where packages come from.
NETWORK = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_PROXY"),
    *("PIP_CACHE_DIR", "PIP_DEFAULT_TIMEOUT", "PIP_TIMEOUT", "PIP_RETRIES", "PIP_KEYRING_PROVIDER"),
    *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INSECURE_HOST", "UV_NATIVE_TLS"),
    *("UV_SYSTEM_CERTS", "UV_CACHE_DIR", "UV_HTTP_TIMEOUT", "UV_KEYRING_PROVIDER", "NETRC"),
    *("PIP_FIND_LINKS", "UV_FIND_LINKS"),
    # Of these files the same is taken (sources.py).
    *("PIP_CONFIG_FILE", "UV_CONFIG_FILE"),
)
# By pattern, because an index has a name of its own: UV_INDEX_COMPANY_USERNAME.
NETWORK_FAMILIES = ("UV_INDEX_",)
# Some terminals say 0, and nothing at all would be printed.
SIZES = ("COLUMNS", "LINES")
# What our own commands, measurements and tests read.
OURS = (
    *("JAEGER_URL", "SPANS_DATABASE_URL", "DOCKER_HOST", "COMPOSE_PARALLEL_LIMIT"),
    *("ALLOWED_HOSTS", "JAEGER_MAX_TRACES", "JAEGER_MAX_MB", "JAEGER_MAX_BODY_MB"),
    *("REQUIRE_BROWSER", "REQUIRE_DOCKER", "CHROMIUM", "HYPOTHESIS_PROFILE", "SCENARIOS_PART"),
)
# Of what is not let in, the kinds that would have changed something: `make doctor` names them.
TELLING = {
    "PG": "PostgreSQL's clients",
    "OTEL_": "OpenTelemetry",
    "PYTHON": "Python",
    "PIP_": "pip",
    "UV_": "uv",
    "GUNICORN_": "gunicorn",
    "COMPOSE_": "Docker Compose",
    "FLASK_": "Flask",
    "LOCUST_": "Locust",
    "PYTEST_": "pytest",
}
# Of these kinds, what changes nothing that a person would look for.
HARMLESS = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_INPUT")


# What workshop/spans.sh took out before Python began: their names.
TAKEN_OUT = "SPANS_IGNORED"

_ignored: dict[str, list[str]] = {}


def let_in(name: str, value: str) -> bool:
    """Whether the variable counts."""
    if name in SIZES and not (value.isascii() and value.isdecimal() and int(value)):
        return False
    upper = name.upper() if name.islower() else name  # http_proxy and its like
    if name in PLACES or upper in NETWORK or name in OURS or name in SETTINGS:
        return True
    return name.startswith((*FAMILIES, *NETWORK_FAMILIES))


def cleaned(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that count."""
    return {name: value for name, value in environ.items() if let_in(name, value)}


def clean_up() -> None:
    """Take out of this process's environment, and so of its children's, whatever is not let in."""
    gone = [name for name, value in os.environ.items() if not let_in(name, value)]
    # What begins with PYTHON after that is its own.
    theirs = [name for name in gone if not (TAKEN_OUT in os.environ and name.startswith("PYTHON"))]
    for name in {*theirs, *os.environ.get(TAKEN_OUT, "").split()} - {TAKEN_OUT}:
        whose = next((whose for beginning, whose in TELLING.items() if name.startswith(beginning)), None)
        if whose and name not in HARMLESS:
            _ignored.setdefault(whose, []).append(name)
    for name in gone:
        del os.environ[name]


def start_afresh(module: str) -> None:
    """Clean up; where Python itself was told something (PYTHONPATH, PYTHONWARNINGS), run the module in a new one."""
    told = [name for name in os.environ if name.startswith("PYTHON")] if not sys.flags.isolated else []
    if told:
        environment = {name: value for name, value in os.environ.items() if name not in told}
        environment[TAKEN_OUT] = " ".join(told)
        os.execve(sys.executable, [sys.executable, "-I", "-m", module, *sys.argv[1:]], environment)
    clean_up()


def ignored() -> dict[str, list[str]]:
    """What `clean_up` took out that would have meant something, by what it would have meant it to."""
    return {whose: sorted(set(names)) for whose, names in sorted(_ignored.items())}


def way_out(*names: str) -> str:
    """What to do about settings with a wrong value, by where the value is from: `set ORDER_PORT in .env`."""
    outside = [name for name in names if os.environ.get(name)]
    if not outside:
        return f"set {' or '.join(names)} in .env"
    them = " and ".join(outside)
    return (
        f"{them} {'is' if len(outside) == 1 else 'are'} set in the environment of your shell (or in make's words), "
        f"which wins over .env: unset {' '.join(outside)}, or give another value there"
    )
