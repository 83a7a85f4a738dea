"""Shop: twenty tools that look things up, find them, and change them, so that a call costs what it does elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from servers.runtime import Cents, Environment, Filter, Free, Key, Record, Refusal, Sets, find

env = Environment(__file__)

ProductId = Annotated[str, Key("products.product_id", pattern=r"^P[0-9]{5}$", description="Product id.")]
CustomerId = Annotated[str, Key("customers.customer_id", pattern=r"^C[0-9]{5}$", description="Customer id.")]
OrderId = Annotated[str, Key("orders.order_id", pattern=r"^O[0-9]{7}$", description="Order id.")]
ReviewId = Annotated[str, Key("reviews.review_id", pattern=r"^R[0-9]{5}$", description="Review id.")]
Quantity = Annotated[int, Sets("orders.quantity", ge=1, le=99, description="How many.")]
Limit = Annotated[int, Field(ge=1, le=50, description="How many to give.")]
Status = Literal["placed", "delivered", "cancelled"]


class Product(Record, table="products"):
    """A product, its price, and how many are left."""

    product_id: ProductId
    name: str
    price_cents: Cents
    stock: int


class Customer(Record, table="customers"):
    """Somebody who orders."""

    customer_id: CustomerId
    name: str


class Order(Record, table="orders"):
    """So many of one product for one customer."""

    order_id: OrderId
    customer_id: CustomerId
    product_id: ProductId
    quantity: int
    status: Status


class Review(Record, table="reviews"):
    """What somebody says of a product."""

    review_id: ReviewId
    product_id: ProductId
    stars: int
    text: str


class ProductList(Record):
    """Products that were found."""

    products: list[Product]


class CustomerList(Record):
    """Customers that were found."""

    customers: list[Customer]


class OrderList(Record):
    """Orders that were found."""

    orders: list[Order]


class ReviewList(Record):
    """Reviews that were found."""

    reviews: list[Review]


class Deleted(Record):
    """What is gone."""

    review_id: ReviewId


class Sales(Record):
    """How often a product was ordered."""

    product_id: ProductId
    quantity: int


def placed(order_id: str) -> Order:
    """Give an order that can still be changed."""
    order = Order.of(find(env.db, "orders", order_id=order_id))
    if order.status != "placed":
        raise Refusal("settled", f"Order {order_id} is {order.status}.")
    return order


SETTLED = {"settled": "SELECT 1 FROM orders WHERE order_id = :order_id AND status <> 'placed'"}


@env.reads
def get_product(product_id: ProductId) -> Product:
    """Show one product."""
    return Product.of(find(env.db, "products", product_id=product_id))


@env.reads
def search_products(
    name: Annotated[str, Filter("products.name", "like", max_length=40, description="How the name begins.")],
    limit: Limit = 10,
) -> ProductList:
    """Find products by the beginning of their names."""
    sql = "SELECT * FROM products WHERE name >= ? AND name < ? || '~' ORDER BY name, product_id LIMIT ?"
    return ProductList(products=[Product.of(row) for row in env.db.execute(sql, (name, name, limit))])


@env.reads
def list_scarce_products(limit: Limit = 10) -> ProductList:
    """List the products of which least is left."""
    rows = env.db.execute("SELECT * FROM products ORDER BY stock, product_id LIMIT ?", (limit,))
    return ProductList(products=[Product.of(row) for row in rows])


@env.reads
def count_sales(product_id: ProductId) -> Sales:
    """Tell how often a product was ordered."""
    find(env.db, "products", product_id=product_id)
    sql = "SELECT coalesce(sum(quantity), 0) FROM orders WHERE product_id = ?"
    return Sales(product_id=product_id, quantity=env.db.execute(sql, (product_id,)).fetchone()[0])


@env.reads
def get_customer(customer_id: CustomerId) -> Customer:
    """Show one customer."""
    return Customer.of(find(env.db, "customers", customer_id=customer_id))


@env.reads
def list_customers(limit: Limit = 10) -> CustomerList:
    """List customers by name."""
    rows = env.db.execute("SELECT * FROM customers ORDER BY name, customer_id LIMIT ?", (limit,))
    return CustomerList(customers=[Customer.of(row) for row in rows])


@env.reads
def get_order(order_id: OrderId) -> Order:
    """Show one order."""
    return Order.of(find(env.db, "orders", order_id=order_id))


@env.reads
def list_orders(customer_id: CustomerId, limit: Limit = 10) -> OrderList:
    """List a customer's orders."""
    sql = "SELECT * FROM orders WHERE customer_id = ? ORDER BY order_id LIMIT ?"
    return OrderList(orders=[Order.of(row) for row in env.db.execute(sql, (customer_id, limit))])


@env.reads
def get_review(review_id: ReviewId) -> Review:
    """Show one review."""
    return Review.of(find(env.db, "reviews", review_id=review_id))


@env.reads
def list_reviews(product_id: ProductId, limit: Limit = 10) -> ReviewList:
    """List what is said of a product."""
    sql = "SELECT * FROM reviews WHERE product_id = ? ORDER BY review_id LIMIT ?"
    return ReviewList(reviews=[Review.of(row) for row in env.db.execute(sql, (product_id, limit))])


@env.writes(
    changes={"orders": "insert", "products": "update stock"},
    refuses={"no_stock": "SELECT 1 FROM products WHERE product_id = :product_id AND stock < :quantity"},
)
def place_order(customer_id: CustomerId, product_id: ProductId, quantity: Quantity = 1) -> Order:
    """Order some of a product, and take them from the stock."""
    find(env.db, "customers", customer_id=customer_id)
    if find(env.db, "products", product_id=product_id)["stock"] < quantity:
        raise Refusal("no_stock", "There is not enough left; order fewer.")
    order_id = env.new_id("orders.order_id")
    env.db.execute("UPDATE products SET stock = stock - ? WHERE product_id = ?", (quantity, product_id))
    env.db.execute("INSERT INTO orders VALUES (?, ?, ?, ?, 'placed')", (order_id, customer_id, product_id, quantity))
    return Order(order_id=order_id, customer_id=customer_id, product_id=product_id, quantity=quantity, status="placed")


@env.writes(changes={"orders": "update status", "products": "update stock"}, refuses=SETTLED)
def cancel_order(order_id: OrderId) -> Order:
    """Cancel an order, and put what was ordered back."""
    order = placed(order_id)
    env.db.execute("UPDATE orders SET status = 'cancelled' WHERE order_id = ?", (order_id,))
    env.db.execute("UPDATE products SET stock = stock + ? WHERE product_id = ?", (order.quantity, order.product_id))
    return get_order(order_id)


@env.writes(changes={"orders": "update status"}, refuses=SETTLED)
def deliver_order(order_id: OrderId) -> Order:
    """Note that an order has arrived."""
    placed(order_id)
    env.db.execute("UPDATE orders SET status = 'delivered' WHERE order_id = ?", (order_id,))
    return get_order(order_id)


@env.writes(changes={"orders": "update quantity"}, refuses=SETTLED)
def change_quantity(order_id: OrderId, quantity: Quantity) -> Order:
    """Change how many are ordered."""
    placed(order_id)
    env.db.execute("UPDATE orders SET quantity = ? WHERE order_id = ?", (quantity, order_id))
    return get_order(order_id)


@env.writes(changes={"products": "update stock"})
def restock_product(
    product_id: ProductId, count: Annotated[int, Field(ge=1, le=1000, description="How many arrived.")]
) -> Product:
    """Add to what is left of a product."""
    find(env.db, "products", product_id=product_id)
    env.db.execute("UPDATE products SET stock = stock + ? WHERE product_id = ?", (count, product_id))
    return get_product(product_id)


@env.writes(changes={"products": "update price_cents"}, idempotent=True)
def set_price(
    product_id: ProductId,
    price_cents: Annotated[int, Sets("products.price_cents", ge=1, le=1_000_000, description="The price in cents.")],
) -> Product:
    """Set a product's price."""
    find(env.db, "products", product_id=product_id)
    env.db.execute("UPDATE products SET price_cents = ? WHERE product_id = ?", (price_cents, product_id))
    return get_product(product_id)


@env.writes(changes={"products": "update name"}, idempotent=True)
def rename_product(
    product_id: ProductId,
    name: Annotated[str, Sets("products.name", min_length=1, max_length=40, description="The new name.")],
) -> Product:
    """Give a product another name."""
    find(env.db, "products", product_id=product_id)
    env.db.execute("UPDATE products SET name = ? WHERE product_id = ?", (name, product_id))
    return get_product(product_id)


@env.writes(changes={"customers": "update name"}, idempotent=True)
def rename_customer(
    customer_id: CustomerId,
    name: Annotated[str, Sets("customers.name", min_length=1, max_length=40, description="The new name.")],
) -> Customer:
    """Give a customer another name."""
    find(env.db, "customers", customer_id=customer_id)
    env.db.execute("UPDATE customers SET name = ? WHERE customer_id = ?", (name, customer_id))
    return get_customer(customer_id)


@env.writes(changes={"reviews": "insert"})
def write_review(
    product_id: ProductId,
    stars: Annotated[int, Sets("reviews.stars", ge=1, le=5, description="From one to five.")],
    text: Annotated[str, Free("reviews.text", max_length=200, description="What there is to say.")],
) -> Review:
    """Say something of a product."""
    find(env.db, "products", product_id=product_id)
    review_id = env.new_id("reviews.review_id")
    env.db.execute("INSERT INTO reviews VALUES (?, ?, ?, ?)", (review_id, product_id, stars, text))
    return get_review(review_id)


@env.writes(changes={"reviews": "delete"})
def delete_review(review_id: ReviewId) -> Deleted:
    """Take a review away."""
    find(env.db, "reviews", review_id=review_id)
    env.db.execute("DELETE FROM reviews WHERE review_id = ?", (review_id,))
    return Deleted(review_id=review_id)


mcp = env.mcp
