"""OTLP/HTTP traces in: `POST /v1/traces`, protobuf or JSON, gzip or plain."""

import threading

from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from services.jaeger.receiving import otlp
from services.jaeger.receiving.sampling import TailSampling
from services.jaeger.store.store import Store
from services.jaeger.web import App, Request, Response, text, to_json

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
READERS = {PROTOBUF: otlp.from_protobuf, JSON: otlp.from_json}
INVALID_ARGUMENT = 3  # google.rpc.Code


class Receiver(App):
    """The WSGI application behind OTLP_BIND."""

    def __init__(self, store: Store | TailSampling, allowed_hosts: frozenset[str], max_body: int) -> None:
        super().__init__(allowed_hosts)
        self.store = store
        self.max_body = max_body
        # One batch at a time is unpacked: more at once would only take more memory, not less time.
        self.turn = threading.Lock()
        self.route("POST", "/v1/traces", self.export)

    def export(self, request: Request) -> Response:
        """Take a batch of spans in."""
        content_type = request.header("Content-Type").partition(";")[0].strip().lower()
        encoding = request.header("Content-Encoding").strip().lower()
        if content_type not in READERS:
            supported = f"[{JSON}, {PROTOBUF}]"
            return Response(f"415 unsupported media type, supported: {supported}".encode(), 415, "text/plain")
        if encoding not in ("", "identity", "gzip"):
            return text(f"415 unsupported content encoding {encoding!r}, supported: [gzip]", 415)
        with self.turn:
            try:
                body = request.body()
                if encoding == "gzip":
                    body = otlp.gunzip(body, self.max_body)
                batch = READERS[content_type](body)
                warning = otlp.invalid_id(batch)
                rejected, reason = self.store.add(batch)
            except otlp.TooLarge as error:
                return failure(content_type, str(error), 413)
            except otlp.BadRequest as error:
                return failure(content_type, str(error), 400)
        return accepted(content_type, rejected, reason or warning)


def accepted(content_type: str, rejected: int, reason: str) -> Response:
    """Success; a partial one when the store did not take all of the spans, or has to say something about one.

    https://opentelemetry.io/docs/specs/otlp/#partial-success: a message with no span rejected is a warning.
    """
    if content_type == JSON:
        partial = {"rejectedSpans": str(rejected), "errorMessage": reason} if reason else {}
        return to_json({"partialSuccess": partial})
    answer = ExportTraceServiceResponse()
    if reason:
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = reason
    return Response(answer.SerializeToString(), content_type=PROTOBUF)


def failure(content_type: str, reason: str, status: int) -> Response:
    """A google.rpc.Status in the request's own encoding, as OTLP/HTTP wants failures to be."""
    if content_type == JSON:
        return to_json({"code": INVALID_ARGUMENT, "message": reason}, status)
    return Response(Status(code=INVALID_ARGUMENT, message=reason).SerializeToString(), status, PROTOBUF)
