# Gunicorn configuration, written by gunitune 0.1.0.
#
# App: fastapi app:app (ASGI)
# App: I/O-bound: requests mostly wait (inferred, medium confidence)
# - request.app...get in the handler get_forecast() waits for another service
#   (app.py:41)
# Gunicorn's release unknown: advice keeps to what is safe from 20.1 to the newest
# Machine: 2 CPUs (flag --cpus)
# Machine: 1 GiB memory (flag --memory)
# Limit: CPU: 2 CPUs x 2 + 1 = 5 workers
# Carries: requests in flight: no bound on those that await
#   (uvicorn_worker.UvicornWorker takes every connection: open files are its only limit)
# Carries: about 530 MiB memory (assumed: 100 MiB per worker)
# Next: replace the assumed memory of a worker by a measured one: gunitune measure (or
#   pass it with --worker-memory)
# Start: gunicorn -c deploy/gunicorn.conf.py app:app

# an ASGI app with uvicorn among its dependencies [heuristic, GA152]
worker_class = 'uvicorn_worker.UvicornWorker'

# 2 x 2 CPUs + 1 = 5, each with an event loop of its own [heuristic, GA150]
workers = 5
