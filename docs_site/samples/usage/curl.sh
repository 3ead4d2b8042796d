curl --get http://localhost:8000/v1/usage \
  -H "Authorization: Bearer $CAICAINI_API_KEY" \
  -d bucket=1h \
  -d group_by=model
