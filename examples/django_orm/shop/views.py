from django.db.models import Avg, Count, F, Sum
from django.db.models.functions import Coalesce, Round
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from shop.models import Category, Order, Product


@require_GET
def index(request):
    products = Product.objects.select_related("category").annotate(
        sold=Coalesce(Sum("orders__quantity"), 0)
    )
    return render(request, "shop/index.html", {"products": products})


@require_POST
def order(request, product_id):
    product = get_object_or_404(Product, pk=product_id)
    Order.objects.create(product=product)
    return redirect("index")


@require_GET
def stats(request):
    categories = Category.objects.annotate(
        assortment=Count("products"), average_price=Round(Avg("products__price"), 2)
    ).order_by("name")
    turnover = Order.objects.aggregate(
        orders=Count("pk"), turnover=Sum(F("quantity") * F("product__price"))
    )
    return JsonResponse(
        {
            "categories": list(categories.values("name", "assortment", "average_price")),
            "orders": turnover["orders"],
            "turnover": turnover["turnover"] or 0,
        }
    )


@require_GET
def healthz(request):
    return JsonResponse({"status": "ok"})
