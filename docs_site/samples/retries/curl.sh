# Sends a body; on 408, 409, 429 or 5xx it waits as told, or 1, 2, 4, … seconds, and tries again.
send() {
  for attempt in 1 2 3 4 5 6; do
    status=$(curl -s http://localhost:8000/v1/messages \
      -o answer.json -D headers.txt -w '%{http_code}' \
      -H "Authorization: Bearer $CAICAINI_API_KEY" \
      -H "Content-Type: application/json" \
      -d "$1")
    case $status in
      408 | 409 | 429 | 5??) ;;
      *) break ;;
    esac
    if grep -qi '^x-should-retry: false' headers.txt; then break; fi
    wait_s=$(sed -n 's/^retry-after: *\([0-9]*\).*/\1/Ip' headers.txt)
    sleep "${wait_s:-$((1 << (attempt - 1)))}"
  done
  cat answer.json
  echo
  [ "$status" = 200 ]
}

for review in "Quick and friendly." "Cold soup, and late."; do
  send "{
    \"model\": \"caicaini/auto\",
    \"max_tokens\": 20,
    \"messages\": [{\"role\": \"user\", \"content\": \"Good or bad review? $review\"}]
  }" || exit 1
done
