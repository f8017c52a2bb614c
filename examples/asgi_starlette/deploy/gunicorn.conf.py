# Gunicorn configuration, written by gunitune 0.1.0.
#
# App: starlette app:app (ASGI)
# App: I/O-bound: requests mostly wait (inferred, medium confidence)
# - db.commit in the handler sign() is awaited (app.py:53)
# - cursor.fetchall in the handler entries() asks the database (app.py:42)
# - db.execute in the handler sign() asks the database (app.py:52)
# Gunicorn's release unknown: advice keeps to what is safe from 20.1 to the newest
# Machine: 2 CPUs (flag --cpus)
# Machine: 1 GiB memory (flag --memory)
# Limit: CPU: 2 CPUs x 2 + 1 = 5 workers
# Carries: requests in flight: no bound on those that await (asgi takes every
#   connection: open files are its only limit)
# Carries: about 530 MiB memory (assumed: 100 MiB per worker)
# Next: pin gunicorn>=25.2 in the project's dependencies: older releases have no stable
#   asgi worker
# Next: replace the assumed memory of a worker by a measured one: gunitune measure (or
#   pass it with --worker-memory)
# Start: gunicorn -c deploy/gunicorn.conf.py app:app

# an ASGI app: the ASGI worker of Gunicorn 24 and later [heuristic, GA152]
worker_class = 'asgi'

# 2 x 2 CPUs + 1 = 5, each with an event loop of its own [heuristic, GA150]
workers = 5
