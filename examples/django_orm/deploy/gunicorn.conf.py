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
# Carries: 5000 requests in flight
# Carries: about 530 MiB memory (assumed: 100 MiB per worker)
# Next: up to 5000 requests may want a connection of django ORM at once: pass its limit
#   with --db-connections (and --replicas), or bound the app's pool
# Next: add gunicorn[gevent] to the project's dependencies: the gevent worker does not
#   start without it
# Next: replace the assumed memory of a worker by a measured one: gunitune measure (or
#   pass it with --worker-memory)
# Start: gunicorn -c deploy/gunicorn.conf.py config.wsgi:application

# I/O-bound: a gevent worker serves other requests while one waits [heuristic, GA110]
worker_class = 'gevent'

# 2 x 2 CPUs + 1 = 5 [heuristic, GA110]
workers = 5

# up to 1000 requests wait in each worker at once [heuristic, GA110]
worker_connections = 1000
