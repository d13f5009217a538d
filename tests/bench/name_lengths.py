#!/usr/bin/python3
"""name_lengths.py [--once] PRODUCTS.csv: about how many tokens a multilingual BERT would make of each name in the column "name", one number a line; with
--once, a name that comes again is left out. Frequent words and punctuation count as one token, others as one for every four letters."""
import collections
import csv
import re
import sys

once = "--once" in sys.argv[1:]
names = [row["name"] for row in csv.DictReader(open(sys.argv[-1], encoding="utf-8"))]
words = [re.findall(r"\w+|[^\w\s]", name) for name in names]
count = collections.Counter(w for ws in words for w in ws)
seen = set()
for name, ws in zip(names, words):
    if not (once and name in seen):
        print(2 + sum(1 if count[w] >= 25 else (len(w) + 3) // 4 for w in ws))
    seen.add(name)
