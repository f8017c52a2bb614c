# Gunicorn configuration, written by gunitune 0.1.0.
#
# App: falcon app:app (WSGI)
# App: CPU-bound: requests mostly compute (inferred, medium confidence)
# - Image.new in poster(), called by the handler Poster.on_get() computes (app.py:20)
# Gunicorn's release unknown: advice keeps to what is safe from 20.1 to the newest
# Machine: 2 CPUs (flag --cpus)
# Machine: 1 GiB memory (flag --memory)
# Limit: CPU: at most 2 run in parallel on 2 CPUs, however many workers there are
# Carries: 5 requests in flight
# Carries: about 530 MiB memory (assumed: 100 MiB per worker)
# Next: replace the assumed memory of a worker by a measured one: gunitune measure (or
#   pass it with --worker-memory)
# Start: gunicorn -c deploy/gunicorn.conf.py app:app

# CPU-bound: the GIL keeps threads from running in parallel, so processes only
#   [heuristic, GA120]
worker_class = 'sync'

# 2 x 2 CPUs + 1 = 5; 2 run at a time [heuristic, GA120]
workers = 5

# in a container (kubernetes) the heartbeat must not wait for a disk [heuristic, GA410]
worker_tmp_dir = '/dev/shm'

# kubernetes kills 30 s after the stop signal: requests must be done by then [heuristic,
#   GA420]
graceful_timeout = 25
