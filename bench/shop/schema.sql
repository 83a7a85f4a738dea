-- A shop: what it sells, to whom, and what they say of it.
CREATE TABLE products (
    product_id TEXT PRIMARY KEY CHECK (product_id GLOB 'P[0-9][0-9][0-9][0-9][0-9]'),
    name TEXT NOT NULL CHECK (name <> ''),
    price_cents INTEGER NOT NULL CHECK (price_cents > 0),
    stock INTEGER NOT NULL CHECK (stock >= 0)
) STRICT;
CREATE INDEX products_by_name ON products (name);

CREATE TABLE customers (
    customer_id TEXT PRIMARY KEY CHECK (customer_id GLOB 'C[0-9][0-9][0-9][0-9][0-9]'),
    name TEXT NOT NULL CHECK (name <> '')
) STRICT;

CREATE TABLE orders (
    order_id TEXT PRIMARY KEY CHECK (order_id GLOB 'O[0-9][0-9][0-9][0-9][0-9][0-9][0-9]'),
    customer_id TEXT NOT NULL REFERENCES customers,
    product_id TEXT NOT NULL REFERENCES products,
    quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 99),
    status TEXT NOT NULL CHECK (status IN ('placed', 'delivered', 'cancelled'))
) STRICT;
CREATE INDEX orders_by_customer ON orders (customer_id);

CREATE TABLE reviews (
    review_id TEXT PRIMARY KEY CHECK (review_id GLOB 'R[0-9][0-9][0-9][0-9][0-9]'),
    product_id TEXT NOT NULL REFERENCES products,
    stars INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5),
    text TEXT NOT NULL
) STRICT;
CREATE INDEX reviews_by_product ON reviews (product_id);
