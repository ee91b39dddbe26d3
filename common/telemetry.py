"""What the instrumentations leave out of a span, and what must not leave the company.

HTTP clients have an adapter that sees to repeated requests and to strangers. For SQL see common.database.statements: a
process without a database need not carry its client.
"""

from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import requests
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.propagators import TraceResponsePropagator, default_setter
from opentelemetry.semconv.attributes.http_attributes import HTTP_REQUEST_RESEND_COUNT
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState


def describe_server(span: trace.Span, host: str | None) -> None:
    """Give a SERVER span its address from the Host header; the Flask instrumentation leaves the port in it."""
    if host and span.is_recording():
        span.set_attribute(SERVER_ADDRESS, urlsplit(f"//{host}").hostname or host)


_resends: ContextVar[int] = ContextVar("resends", default=0)


def note_attempt(state: RetryCallState) -> None:
    """Remember which attempt the next request is: tenacity's `before`."""
    _resends.set(state.attempt_number - 1)


class Adapter(HTTPAdapter):
    """Sends a session's requests; the instrumentation calls this `send` inside the span that it has started.

    A request that is made again says so on its span (`http.request.resend_count`). To `stranger`s, outside of the
    company, no trace context and no baggage is told: it is no business of theirs, and a customer may have sent it.
    """

    def __init__(self, *, stranger: bool = False) -> None:
        super().__init__(pool_maxsize=64)
        self.stranger = stranger

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request, as requests.adapters.HTTPAdapter.send does."""
        if count := _resends.get():
            trace.get_current_span().set_attribute(HTTP_REQUEST_RESEND_COUNT, count)
        if self.stranger:
            for name in propagate.get_global_textmap().fields:
                request.headers.pop(name, None)
        return super().send(request, *args, **options)


class TraceHeaders(TraceResponsePropagator):
    """Names the trace in an answer: `traceresponse`, and `Server-Timing`, which replaced it in W3C's draft.

    https://github.com/w3c/trace-context/blob/main/spec/21-http_response_header_format.md
    """

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = default_setter) -> None:
        """Add the headers."""
        super().inject(carrier, context, setter)
        span = trace.get_current_span(context).get_span_context()
        if span.is_valid:
            ids = f"{trace.format_trace_id(span.trace_id)}-{trace.format_span_id(span.span_id)}"
            setter.set(carrier, "Server-Timing", f"trace;desc=00-{ids}-{span.trace_flags:02x}")
