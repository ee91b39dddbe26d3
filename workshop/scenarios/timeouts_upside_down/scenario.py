"""The caller gives up before the callee does."""

from workshop.changes.kinds import Setting
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import calls

LEAST = 3
OUTLIVES_MS = 50.0


def signature(population: Population) -> Proof:
    """Order's call has failed, and below it payment's span went on after that, and succeeded."""
    found = []
    made = 0
    for trace, call in calls(population, "order", "/charges"):
        made += 1
        for server in trace.children(call):
            late = (server.end - server.shift - call.end + call.shift) / 1e6
            if call.is_error and not server.is_error and late >= OUTLIVES_MS:
                found.append((late, server, call))
    if len(found) < LEAST:
        return Proof(f"{len(found)} of {made} calls to payment failed while payment went on and succeeded")
    found.sort(key=lambda each: -each[0])
    late, server, call = found[0]
    told = f"{len(found)} of {made} calls to payment were given up after {call.ms:.0f} ms"
    told = f"{told}; payment went on for {late:.0f} ms more and succeeded"
    return Proof(told, [span for _, one, other in found for span in (one, other)])


SCENARIO = Scenario(
    name="timeouts-upside-down",
    title="Order gives up before payment does",
    audience="customers",
    page="Checkouts fail, and customers say that their card was charged all the same.",
    over="No call is given up while the callee goes on.",
    changes=lambda: [
        Setting(service="order", values={"PAYMENT_TIMEOUT_SECONDS": "0.4"}),
        Setting(service="provider", values={"PROVIDER_LATENCY_MS": "700"}),
    ],
    cures=[
        "a timeout of order's that is above payment's: take the settings back",
        "payment keeps to the deadline that it is handed, and gives up first",
    ],
    signature=signature,
    diagnosis="given up too early",
    diagnosis_of_one="given up too early",
    traffic=Traffic(users=2, seconds=5.0),
    look_alikes={
        "slow-provider": "there everybody waits long enough, and nothing fails",
        "clock skew": "there no call has failed, and every call between the two is shifted alike",
    },
)
