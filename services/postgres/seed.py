"""The rows that the workshop starts with: a catalogue, and a stock ledger that has been growing for years."""

import psycopg

ADJECTIVES = """Amber Arctic Birch Blue Brass Bronze Cedar Ceramic Coastal Copper Coral Cotton Crimson Dune Ember
Fern Folding Forest Glass Golden Granite Green Harbour Indigo Iron Ivory Juniper Lava Linen Little Lunar Maple
Marble Meadow Midnight Mossy Nordic Oak Ochre Olive Pine Quiet River Rustic Sandy Silver Slate Teal Walnut
Woollen Velvet Willow Winter Striped Sunny Slim Smoky Round Plain Pearl Paper Opal""".split()
NOUNS = """Apron Backpack Basket Bell Bench Blanket Board Bookend Bottle Bowl Box Broom Brush Bucket Cabinet Candle
Carafe Chair Chest Clock Coaster Colander Comb Cradle Cup Curtain Cushion Decanter Desk Dish Drawer Easel Fan
Flask Fork Frame Funnel Glass Globe Grater Hammock Hanger Hook Jar Jug Kettle Kite Knife Ladder Ladle Lamp
Lantern Mat Mirror Mortar Mug Napkin Notebook Opener Pan Pencil Pillow Pitcher Planter Plate Platter Pot Pouch
Quilt Rack Ramekin Rug Satchel Saucer Scale Scoop Shelf Sieve Spoon Stand Stool Strainer Table Tankard Teapot
Thermos Throw Tin Toaster Tongs Towel Tray Trivet Trunk Tumbler Umbrella Vase Wallet Whisk""".split()
MOST_PRODUCTS = len(ADJECTIVES) * len(NOUNS)
CURRENCY = "EUR"
CHUNK = 250_000

SEEDED = "CREATE TABLE IF NOT EXISTS seeded (products integer NOT NULL, movements bigint NOT NULL)"

# Every night the day's movements are posted, product by product: a delivery of 60 pieces and nine sales of one
# to five. So every product always has stock, and the more the longer the ledger is.
ADD_MOVEMENTS = """
INSERT INTO stock_movement (sku, quantity, reason, created_at)
SELECT 'SKU-' || lpad((n / 10 %% %(products)s + 1)::text, 5, '0'),
       CASE WHEN n %% 10 = 0 THEN 60 ELSE -(1 + n * 7 %% 5) END,
       CASE WHEN n %% 10 = 0 THEN 'delivery' ELSE 'sale' END,
       now() - (%(movements)s - n) * interval '31 seconds'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
"""


def products(count: int) -> list[tuple[str, str, int, str]]:
    """`count` products: sku, name, price in cents, currency. The same ones every time."""
    made = []
    for n in range(count):
        name = f"{ADJECTIVES[n % len(ADJECTIVES)]} {NOUNS[n // len(ADJECTIVES)]}"
        made.append((f"SKU-{n + 1:05d}", name, 390 + n * 7919 % 9600, CURRENCY))
    return made


def fill(connection: psycopg.Connection, product_count: int, movement_count: int) -> None:
    """Seed the inventory's database in one transaction, printing how far it is; nothing when it is seeded."""
    connection.execute("SET client_min_messages = warning")
    connection.execute(SEEDED)
    if there := connection.execute("SELECT products, movements FROM seeded").fetchone():
        print(f"the ledger is seeded: {there[1]:,} movements of {there[0]:,} products", flush=True)
        if there != (product_count, movement_count):
            print("SEED_PRODUCTS or SEED_MOVEMENTS is different now: `make clean` first to seed anew", flush=True)
        return
    with connection.transaction():
        # A table that is emptied in the same transaction is filled without a write-ahead log of each row.
        connection.execute("TRUNCATE product, stock_movement")
        copying = "COPY product (sku, name, price_cents, currency) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(copying) as copy:
            for row in products(product_count):
                copy.write_row(row)
        for first in range(0, movement_count, CHUNK):
            last = min(first + CHUNK, movement_count) - 1
            bounds = {"first": first, "last": last, "products": product_count, "movements": movement_count}
            connection.execute(ADD_MOVEMENTS, bounds)
            print(f"seeding the ledger: {last + 1:,} of {movement_count:,} movements", flush=True)
        connection.execute("INSERT INTO seeded VALUES (%s, %s)", (product_count, movement_count))
    # What autovacuum would do a minute later: without it the first checkouts would be slow for another reason.
    connection.execute("VACUUM (ANALYZE) product, stock_movement")
