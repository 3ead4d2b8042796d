"""Loads a CSV file into a workbook, and reads that as a spreadsheet does.

usage: python spreadsheet_client.py FILE
"""

import io
import json
import sys

import openpyxl
import tablib

FORMULA = "f"

with open(sys.argv[1], newline="", encoding="utf-8") as file:
    table = tablib.Dataset().load(file, format="csv")
sheet = openpyxl.load_workbook(io.BytesIO(table.export("xlsx"))).active
head, *rows = sheet.iter_rows()
names = [cell.value for cell in head]
json.dump(
    {
        "formulas": [cell.coordinate for row in rows for cell in row if cell.data_type == FORMULA],
        "rows": [dict(zip(names, [cell.value or "" for cell in row], strict=True)) for row in rows],
    },
    sys.stdout,
)
