"""How long an order can be in the hands of a request."""

from common import bounded

# A request takes so many seconds at most; fewer when its caller waits for fewer.
REQUEST_SECONDS = 19.0
# After them it still tries to write down how its order ended, and then that it is left: each takes a connection and a
# statement, which are cut off.
LAST_WORD_SECONDS = 2 * (2 * bounded.LEAST_SECONDS + bounded.CANCEL_SECONDS)
# Whoever settles an order sooner cancels a checkout that is alive.
IN_HAND_SECONDS = REQUEST_SECONDS + LAST_WORD_SECONDS
