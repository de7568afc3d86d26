"""What an operator needs to see, for ``GET /metrics`` in the Prometheus text form.

Counters count what this process did; gauges that describe the whole post room are read from the database when asked for.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

ACCEPTED = Counter("postroom_accepted_total", "Messages accepted.", registry=REGISTRY)
REFUSED = Counter("postroom_refused_total", "Sends refused, by reason.", ["reason"], registry=REGISTRY)
DUPLICATES = Counter("postroom_duplicates_total", "Sends answered from what was accepted before.", registry=REGISTRY)
HANDED = Counter("postroom_handed_total", "Hand-outs, by way.", ["way"], registry=REGISTRY)
FINISHED = Counter("postroom_finished_total", "Messages ended, by end.", ["end"], registry=REGISTRY)
RETURNED = Counter("postroom_returned_total", "Hand-outs that brought no end, by kind.", ["kind"], registry=REGISTRY)
LEASES_LOST = Counter("postroom_leases_lost_total", "Hand-outs that ran out or were refused as late, by where it was seen.", ["where"], registry=REGISTRY)
TAKEN_OVER = Counter("postroom_taken_over_total", "Leases of dead servers made due at once.", registry=REGISTRY)
REPAIRED = Counter("postroom_repaired_total", "Messages that waited although their mailbox had room; must stay 0.", registry=REGISTRY)
PRUNED = Counter("postroom_pruned_events_total", "Events pruned from the feed.", registry=REGISTRY)
RETRIED = Counter("postroom_database_retries_total", "Transactions run again, by SQLSTATE or kind of fault.", ["reason"], registry=REGISTRY)
LOOP_CRASHES = Counter("postroom_loop_crashes_total", "Crashes of background loops.", ["loop"], registry=REGISTRY)
FAULTS = Counter("postroom_faults_total", "Exceptions caught at a boundary, by place.", ["place"], registry=REGISTRY)
CUT = Counter("postroom_connections_cut_total", "Connections that the server ended or refused, by reason.", ["reason"], registry=REGISTRY)
SIGNALS_DROPPED = Counter("postroom_signals_dropped_total", "Wake-ups to other servers replaced by 'look at everything'.", registry=REGISTRY)

BATCH_SIZE = Histogram("postroom_batch_size", "Requests that shared one commit.", ["batch"], registry=REGISTRY, buckets=(1, 2, 4, 8, 16, 32, 64, 128))
BATCH_SECONDS = Histogram("postroom_batch_seconds", "Time of one batch, commit included.", ["batch"], registry=REGISTRY, buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2))
POOL_WAIT_SECONDS = Histogram("postroom_pool_wait_seconds", "Wait for a database connection.", ["pool"], registry=REGISTRY, buckets=(0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2))

CALLS_IN_FLIGHT = Gauge("postroom_calls_in_flight", "Calls to agents in flight in this process.", registry=REGISTRY)
LOOP_AGE = Gauge("postroom_loop_age_seconds", "Time since a loop's last tick.", ["loop"], registry=REGISTRY)
QUEUE_DEPTH = Gauge("postroom_queue_depth", "Unfinished messages of the whole post room, by state.", ["state"], registry=REGISTRY)
QUEUE_AGE = Gauge("postroom_queue_oldest_seconds", "Age of the oldest unfinished message that is due or out, by state.", ["state"], registry=REGISTRY)
LISTENERS = Gauge("postroom_feed_listeners", "Open live feeds of this process.", registry=REGISTRY)
