import os

from anthropic import Anthropic
from pydantic import BaseModel

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)


class Item(BaseModel):
    name: str
    count: int


class Order(BaseModel):
    table: int
    items: list[Item]


message = client.messages.parse(
    model="caicaini/auto",
    max_tokens=300,
    messages=[{"role": "user", "content": "Order: two coffees and a bagel, table 4."}],
    output_format=Order,
)

order = message.parsed_output
print("table:", order.table)
for item in order.items:
    print("item:", item.count, item.name)
