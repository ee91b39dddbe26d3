"""The payment provider is slow. Nothing here can cure it."""

from workshop.changes.kinds import Setting
from workshop.scenarios.model import Population, Proof, Scenario
from workshop.scenarios.reading import LEAST, calls, checkouts, longest, median_ms

SLOW_MS = 400.0
# Of a checkout's time.
SHARE = 0.5


def signature(population: Population) -> Proof:
    """The call to the provider is most of a checkout, is answered, and nothing of ours happens meanwhile."""
    made = [span for _, span in calls(population, "payment", "/v1/charges")]
    whole = [trace.root for trace in checkouts(population)]
    answered = [span for span in made if not span.is_error]
    if len(made) < LEAST or len(answered) < 0.9 * len(made):
        return Proof(f"{len(answered)} of {len(made)} calls to the provider were answered")
    if median_ms(made) < max(SLOW_MS, SHARE * median_ms(whole)):
        return Proof(f"the provider takes {median_ms(made):.0f} of {median_ms(whole):.0f} ms")
    told = f"the provider takes {median_ms(made):.0f} of a checkout's {median_ms(whole):.0f} ms, and answers"
    return Proof(told, longest(answered))


SCENARIO = Scenario(
    name="slow-provider",
    title="The payment provider takes a second",
    audience="customers",
    page="The checkout is slow for everybody; catalogue and search are as quick as ever.",
    over="The provider answers as quickly as its contract says.",
    changes=lambda: [Setting(service="provider", values={"PROVIDER_LATENCY_MS": "1000"})],
    cures=[
        "call the provider, with the ids of its slow answers: nothing in here cures it",
        "meanwhile limit it: a shorter timeout, fewer attempts, or take the order and charge it later",
    ],
    signature=signature,
    diagnosis="external call: payment waited",
    diagnosis_of_one="external call: payment waited",
    look_alikes={
        "slow link": "a wire with a delay makes the same trace: a CLIENT span cannot tell the way from the end"
    },
)
