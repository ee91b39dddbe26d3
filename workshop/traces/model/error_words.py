"""Failures as people say them: what a span's exception or status means, without the names that a library gives it."""

import re

from workshop.traces.model import conventions, naming
from workshop.traces.model.span import Span
from workshop.traces.model.trace import Trace

# `requests.exceptions.ConnectionError: …`, `*pq.Error: …`, `HTTPConnectionPool(host='order', port=8081): …`
_CLASS = r"\*?(?:\w+\.)*(?:[A-Z]\w*)?(?:Error|Exception|Timeout|Refused|Closed|Failure|Pool|Connection)"
# … and any other class, where its module or the rest of a sentence follows: `shop.errors.Problem: …`, `Problem: 503 …`
_PREFIX = re.compile(rf"^(?:{_CLASS}(?:\([^()]*\))?|(?:\w+\.)+[A-Z]\w*|[A-Z][a-z]+(?=: \d{{3}} )|<[^<>]*>)\s*:\s+")
_ONLY_CLASS = re.compile(rf"^{_CLASS}$")
# A tuple or an exception as Python writes it to itself: its last text is what happened.
_REPR = re.compile(r"^\w*\(.*[\"']([^\"']+)[\"']\)+$")
_CAUSE = re.compile(r"\(?[Cc]aused by:?\s+\w+\(([\"'])?")
_OBJECT = re.compile(r"<[\w.]+(?: object)? at 0x[0-9a-f]+>:?\s*")
_ERRNO = re.compile(r"\[Errno -?\d+\]\s*")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")


def error_words(span: Span) -> str:
    """What went wrong, for a sentence: `connection refused`; '' where the span does not say."""
    for event in reversed(span.events):
        kind = event.attributes.get("exception.type") or event.attributes.get("error.kind")
        message = event.attributes.get("exception.message") or event.attributes.get("message")
        if kind or message:
            words = plain(str(message or kind))
            # `KeyError: 'price'` says nothing without its class.
            return f"{plain(str(kind))}: {words}" if message and kind and len(words.split()) == 1 else words
    return plain(conventions.error_text(span))


def plain(text: str) -> str:
    """An exception's text without classes, objects in memory and numbers of the operating system."""
    cause = list(_CAUSE.finditer(text))
    if cause:
        # The innermost cause says what happened, what is around it who told whom.
        text = text[cause[-1].end() :].rstrip("\"')")
    text = _ERRNO.sub("", _OBJECT.sub("", text)).strip()
    while (shorter := _PREFIX.sub("", text, count=1)) != text:
        text = shorter
    if written := _REPR.match(text):
        return written[1]
    if not _ONLY_CLASS.match(text):
        return text
    return " ".join(word.lower() for word in _WORD.findall(text.rpartition(".")[2]))


def failures(trace: Trace) -> int:
    """How many failures a trace has: a call's, all that passed it on and all attempts at it are one."""
    failed = [span for span in trace.spans if span.is_error]
    passed_on: set[str] = set()
    for span in failed:
        for above in trace.ancestors(span):
            if above.span_id in passed_on:
                break
            passed_on.add(above.span_id)
    began = [span for span in failed if span.span_id not in passed_on]
    return len({(span.parent_id, naming.same_work(span)) for span in began})
