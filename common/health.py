"""`/healthz`: the process is not worth killing. `/readyz`: it is worth sending requests to.

Neither follows a neighbour: a service that can answer a part of its requests, or say who is away, is worth sending to,
and a restart would mend nothing. Neither follows the load: a busy service refuses by itself. So what is checked is what
the service owns, and can do nothing without: its database.
"""

import os
from collections.abc import Callable, Mapping

from flask import Blueprint, Response, jsonify
from opentelemetry.instrumentation.utils import suppress_instrumentation


def health(checks: Mapping[str, Callable[[], object]]) -> Blueprint:
    """The two probes; each check is called with no arguments and raises when what the service owns is away.

    Both paths are excluded from tracing by OTEL_PYTHON_FLASK_EXCLUDED_URLS. What the checks call would
    then start traces of its own, one orphan a probe: hence the suppression.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        # Which system this process is a part of, where it was told: two of them may have the same port, one at a time.
        stack = os.environ.get("STACK_ID")
        return jsonify(status="ok", stack=stack) if stack else jsonify(status="ok")

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        failed = {}
        with suppress_instrumentation():
            for name, check in checks.items():
                try:
                    check()
                except Exception as error:
                    failed[name] = type(error).__name__
        if failed:
            return jsonify(status="unavailable", failed=failed), 503
        return jsonify(status="ok"), 200

    return blueprint
