#!/usr/bin/env python3
# Tells everybody how many are here.
import json, sys

here = 0
for line in sys.stdin:
    event = json.loads(line)["event"]
    if event in ("open", "close"):
        here += 1 if event == "open" else -1
        print(json.dumps({"chan": "*", "text": f"{here} here"}), flush=True)
