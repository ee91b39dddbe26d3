"""Real faults on a running system, each with its story, its changes, and its signature in traces.

The shape, for whoever adds one: a folder `NAME/` (an underscore stands for a hyphen) with

    scenario.py     SCENARIO = Scenario(...)    what is changed, who is hurt, what proves it (workshop.scenarios.model)
    README.md       the story, and what to say in front of a room
    SERVICE.patch   where a release of the service brings the fault
    recording.json.gz   a population of traces with the fault, from `spans scenarios check NAME --record`

A signature is a function over a population of traces that returns the spans that prove the fault, or says what is
missing. It knows its scenario and nothing of the other ones; workshop.scenarios.matrix lays every signature on every
recording. `spans break NAME` makes the changes and buys until the signature is seen, `spans fix NAME` undoes them and
buys until it is certain that it is gone.
"""
