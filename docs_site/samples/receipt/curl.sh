id=$(curl -s -D - -o /dev/null http://localhost:8000/v1/messages \
  -H "Authorization: Bearer $CAICAINI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{"model": "caicaini/auto", "max_tokens": 20,
       "messages": [{"role": "user", "content": "Say hello."}]}' |
  tr -d '\r' | sed -n 's/^request-id: //p')

curl "http://localhost:8000/v1/requests/$id" \
  -H "Authorization: Bearer $CAICAINI_API_KEY"
