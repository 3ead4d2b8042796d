import json
import os
from urllib.parse import urlencode
from urllib.request import Request, urlopen

query = urlencode({"bucket": "1h", "group_by": "model"})
request = Request(
    f"http://localhost:8000/v1/usage?{query}",
    headers={"Authorization": f"Bearer {os.environ['CAICAINI_API_KEY']}"},
)

with urlopen(request) as response:
    usage = json.load(response)

print("from:", usage["from"])
for row in usage["data"]:
    print("row:", row["starts_at"], row["model"], row["requests"], row["credits_consumed"])
