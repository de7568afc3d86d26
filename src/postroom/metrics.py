"""What an operator needs to see, for ``GET /metrics`` in the Prometheus text form.

Counters count what this process did; gauges that describe the whole post room are read from the database when asked for.
"""

from functools import partial

import prometheus_client as prometheus

REGISTRY = prometheus.CollectorRegistry()
Counter = partial(prometheus.Counter, registry=REGISTRY)
Gauge = partial(prometheus.Gauge, registry=REGISTRY)
Histogram = partial(prometheus.Histogram, registry=REGISTRY)

_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
_BATCH_TIMES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2)
_POOL_TIMES = (0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2)

ACCEPTED = Counter("postroom_accepted_total", "Messages accepted.")
REFUSED = Counter("postroom_refused_total", "Sends refused, by reason.", ["reason"])
DUPLICATES = Counter("postroom_duplicates_total", "Sends answered from what was accepted before.")
HANDED = Counter("postroom_handed_total", "Hand-outs, by way.", ["way"])
FINISHED = Counter("postroom_finished_total", "Messages ended, by end.", ["end"])
RETURNED = Counter("postroom_returned_total", "Hand-outs that brought no end, by kind.", ["kind"])
LEASES_LOST = Counter("postroom_leases_lost_total", "Hand-outs that ran out or were refused as late, by where it was seen.", ["where"])
TAKEN_OVER = Counter("postroom_taken_over_total", "Leases of dead servers made due at once.")
REPAIRED = Counter("postroom_repaired_total", "Messages that waited although their mailbox had room; must stay 0.")
PRUNED = Counter("postroom_pruned_events_total", "Events pruned from the feed.")
RETRIED = Counter("postroom_database_retries_total", "Transactions run again, by SQLSTATE or kind of fault.", ["reason"])
LOOP_CRASHES = Counter("postroom_loop_crashes_total", "Crashes of background loops.", ["loop"])
FAULTS = Counter("postroom_faults_total", "Exceptions caught at a boundary, by place.", ["place"])
CUT = Counter("postroom_connections_cut_total", "Connections that the server ended or refused, by reason.", ["reason"])
SIGNALS_DROPPED = Counter("postroom_signals_dropped_total", "Wake-ups to other servers replaced by 'look at everything'.")

BATCH_SIZE = Histogram("postroom_batch_size", "Requests that shared one commit.", ["batch"], buckets=_BATCH_SIZES)
BATCH_SECONDS = Histogram("postroom_batch_seconds", "Time of one batch, commit included.", ["batch"], buckets=_BATCH_TIMES)
POOL_WAIT_SECONDS = Histogram("postroom_pool_wait_seconds", "Wait for a database connection.", ["pool"], buckets=_POOL_TIMES)

CALLS_IN_FLIGHT = Gauge("postroom_calls_in_flight", "Calls to agents in flight in this process.")
LOOP_AGE = Gauge("postroom_loop_age_seconds", "Time since a loop's last tick.", ["loop"])
QUEUE_DEPTH = Gauge("postroom_queue_depth", "Unfinished messages of the whole post room, by state.", ["state"])
QUEUE_AGE = Gauge("postroom_queue_oldest_seconds", "Age of the oldest unfinished message that is due or out, by state.", ["state"])
TASKS = Gauge("postroom_tasks", "Running asyncio tasks of this process.")
LISTENERS = Gauge("postroom_feed_listeners", "Open live feeds of this process.")
