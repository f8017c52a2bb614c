# Gunicorn configuration, written by gunitune 0.1.0.
#
# App: flask app:app (WSGI)
# App: I/O-bound: requests mostly wait (inferred, medium confidence)
# - rates.get in get_rate(), called by the handler index() waits for another service
#   (app.py:46)
# - sqlite3.connect in connect(), called by the handler index() asks the database
#   (app.py:21)
# Gunicorn's release unknown: advice keeps to what is safe from 20.1 to the newest
# Machine: 2 CPUs (flag --cpus)
# Machine: 1 GiB memory (flag --memory)
# Limit: CPU: 2 CPUs x 2 + 1 = 5 workers
# Carries: 5000 requests in flight
# Carries: about 530 MiB memory (assumed: 100 MiB per worker)
# Next: replace the assumed memory of a worker by a measured one: gunitune measure (or
#   pass it with --worker-memory)
# Start: gunicorn -c deploy/gunicorn.conf.py app:app

# I/O-bound: a gevent worker serves other requests while one waits [heuristic, GA110]
worker_class = 'gevent'

# 2 x 2 CPUs + 1 = 5 [heuristic, GA110]
workers = 5

# up to 1000 requests wait in each worker at once [heuristic, GA110]
worker_connections = 1000
