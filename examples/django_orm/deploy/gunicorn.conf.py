# Gunicorn configuration, written by gunitune 0.1.0.
#
# App: django config.wsgi:application (WSGI)
# App: I/O-bound: requests mostly wait (inferred, high confidence)
# - Product.objects.select_related in the handler index() queries the database
#   (shop/views.py:12)
# - get_object_or_404 in the handler order() queries the database (shop/views.py:20)
# - Order.objects.aggregate in the handler stats() queries the database
#   (shop/views.py:30)
# Gunicorn's release unknown: advice keeps to what is safe from 20.1 to the newest
# Machine: 2 CPUs (flag --cpus)
# Machine: 1 GiB memory (flag --memory)
# Limit: CPU: 2 CPUs x 2 + 1 = 5 workers
# Carries: 40 requests in flight
# Carries: about 531.1 MiB memory (assumed: 100 MiB per worker)
# Next: replace the assumed memory of a worker by a measured one: gunitune measure (or
#   pass it with --worker-memory)
# Start: gunicorn -c deploy/gunicorn.conf.py config.wsgi:application

# asked for (by rule of thumb it would be gevent) [asked, GA200]
# was gevent: I/O-bound: a gevent worker serves other requests while one waits
worker_class = 'gthread'

# 2 x 2 CPUs + 1 = 5 [heuristic, GA110]
workers = 5

# 40 requests in flight / 5 workers [asked, GA200]
threads = 8

# in a container (docker) the heartbeat must not wait for a disk [heuristic, GA410]
worker_tmp_dir = '/dev/shm'

# docker kills 10 s after the stop signal: requests must be done by then [heuristic,
#   GA420]
graceful_timeout = 8
