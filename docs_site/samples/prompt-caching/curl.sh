handbook=$(sed 's/"/\\"/g' handbook.txt | awk '{printf "%s\\n", $0}')

for question in "Who decides on returns?" "Who decides on gift cards?"; do
  curl http://localhost:8000/v1/messages \
    -H "Authorization: Bearer $CAICAINI_API_KEY" \
    -H "Content-Type: application/json" \
    -d @- <<END
{
  "model": "caicaini/auto",
  "max_tokens": 100,
  "system": [
    {"type": "text", "text": "Answer from the handbook."},
    {"type": "text", "text": "$handbook", "cache_control": {"type": "ephemeral"}}
  ],
  "messages": [{"role": "user", "content": "$question"}]
}
END
  echo
done
