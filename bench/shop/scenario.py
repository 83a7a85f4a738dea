"""The shop's starting state: 2,000 rows at medium size."""

from servers.runtime import Rows, World

_WORDS = ("Amber", "Birch", "Copper", "Denim", "Elm", "Flint", "Glass", "Heather", "Iron", "Jade")
_THINGS = ("lamp", "chair", "kettle", "blanket", "clock", "basket", "mirror", "vase", "stool", "tray")


def populate(world: World) -> Rows:
    """Give products, customers, orders and reviews."""
    rng = world.stream("shop/all")
    products = [
        {
            "product_id": f"P{number:05d}",
            "name": f"{rng.choice(_WORDS)} {rng.choice(_THINGS)}",
            "price_cents": rng.randrange(100, 20_000),
            "stock": rng.randrange(1_000_000, 2_000_000),
        }
        for number in range(world.scale(75, 500, 5_000))
    ]
    customers = [
        {"customer_id": f"C{number:05d}", "name": f"Customer {number}"} for number in range(world.scale(45, 300, 3_000))
    ]
    orders = [
        {
            "order_id": f"O{number:07d}",
            "customer_id": rng.choice(customers)["customer_id"],
            "product_id": rng.choice(products)["product_id"],
            "quantity": rng.randrange(1, 10),
            "status": rng.choice(("placed", "delivered", "cancelled")),
        }
        for number in range(world.scale(120, 800, 8_000))
    ]
    reviews = [
        {
            "review_id": f"R{number:05d}",
            "product_id": rng.choice(products)["product_id"],
            "stars": rng.randrange(1, 6),
            "text": f"{rng.choice(_WORDS)} as can be.",
        }
        for number in range(world.scale(60, 400, 4_000))
    ]
    return {"products": products, "customers": customers, "orders": orders, "reviews": reviews}
