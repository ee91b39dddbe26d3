"""A timeout that is shorter than the provider's usual answer, and another attempt at once."""

from workshop.changes.kinds import Release, Setting
from workshop.scenarios.model import Population, Proof, Scenario
from workshop.scenarios.reading import calls
from workshop.traces.model.trace import Span

# How far attempts that end with one timeout are apart, as a share of the shortest.
SPREAD = 0.5
LEAST = 3


def signature(population: Population) -> Proof:
    """Siblings to the provider, one straight after the other, of which those that failed took equally long."""
    families: dict[str, list[Span]] = {}
    for trace, span in calls(population, "payment", "/v1/charges"):
        families.setdefault(trace.trace_id + (span.parent_id or ""), []).append(span)
    failed = {key: [span for span in family if span.is_error] for key, family in families.items() if len(family) > 1}
    timed_out = sorted((span for family in failed.values() for span in family if _timed_out(span)), key=lambda s: s.ms)
    again = [key for key, family in failed.items() if any(_timed_out(span) for span in family)]
    if len(again) < LEAST:
        return Proof(f"{len(again)} charges were tried again after a timeout")
    usual = timed_out[len(timed_out) // 2].ms
    alike = [span for span in timed_out if abs(span.ms - timed_out[0].ms) <= SPREAD * timed_out[0].ms]
    if len(alike) < 0.6 * len(timed_out):
        return Proof(f"the {len(timed_out)} attempts that failed did not take equally long")
    told = f"{len(again)} of {len(families)} charges were tried again, {len(timed_out)} attempts ended at {usual:.0f}"
    return Proof(f"{told} ms: a timeout, not an answer", alike)


def _timed_out(span: Span) -> bool:
    return span.is_error and "timeout" in str(span.attributes.get("error.type", "")).lower()


SCENARIO = Scenario(
    name="retries",
    title="The provider is given less time than it needs, again and again",
    audience="customers",
    page="Some checkouts take twice as long as others, some fail; the provider is fine, and sees more calls.",
    over="No attempt ends with a timeout while the provider is as quick as it always was.",
    changes=lambda: [
        Release(service="payment", name="retries", patch="workshop/scenarios/retries/payment.patch"),
        Setting(service="payment", values={"PROVIDER_TIMEOUT_SECONDS": "0.043", "PROVIDER_ATTEMPTS": "8"}),
    ],
    cures=[
        "a timeout above the provider's p99, as delivered: roll both changes back",
        "no attempt after a timeout: an answer that is late is better than none",
    ],
    signature=signature,
    diagnosis="retries: payment POST",
    diagnosis_of_one="retries: payment POST",
    look_alikes={"slow-provider": "there one attempt is long and answered, here several are short and cut off"},
)
