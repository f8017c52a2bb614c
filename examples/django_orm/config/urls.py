from django.urls import path
from shop import views

urlpatterns = [
    path("", views.index, name="index"),
    path("orders/<int:product_id>/", views.order, name="order"),
    path("stats/", views.stats, name="stats"),
    path("healthz", views.healthz),
]
