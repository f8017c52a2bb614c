from django.db import migrations

ASSORTMENT = {
    "Coffee": {"Espresso": "2.20", "Cappuccino": "3.10", "Flat white": "3.40"},
    "Tea": {"Assam": "2.80", "Sencha": "3.00"},
    "Cake": {"Carrot cake": "4.20", "Cheesecake": "4.60"},
}


def fill(apps, schema_editor):
    Category = apps.get_model("shop", "Category")
    Product = apps.get_model("shop", "Product")
    for name, products in ASSORTMENT.items():
        category = Category.objects.create(name=name)
        Product.objects.bulk_create(
            Product(category=category, name=product, price=price)
            for product, price in products.items()
        )


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
