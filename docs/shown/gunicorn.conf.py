import multiprocessing

bind = "0.0.0.0:8000"
workers = multiprocessing.cpu_count() * 2 + 1
worker_class = "gevent"
threads = 4
max_requests = 1000
max_request_jitter = 50
