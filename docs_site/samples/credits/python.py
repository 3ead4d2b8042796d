import json
import os
from urllib.request import Request, urlopen

request = Request(
    "http://localhost:8000/v1/credits",
    headers={"Authorization": f"Bearer {os.environ['CAICAINI_API_KEY']}"},
)

with urlopen(request) as response:
    credits = json.load(response)

print("available:", credits["available"])
print("held by running calls:", credits["held"])
