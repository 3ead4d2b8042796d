curl http://localhost:8000/v1/models \
  -H "Authorization: Bearer $CAICAINI_API_KEY"
