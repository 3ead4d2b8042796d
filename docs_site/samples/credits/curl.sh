curl http://localhost:8000/v1/credits \
  -H "Authorization: Bearer $CAICAINI_API_KEY"
