"""A process that writes feedback, to be killed: URL TENANT EDIT COUNT prints what was acknowledged."""

import sys

from unweave.stores.store import open_store

if __name__ == "__main__":
    url, tenant, edit, count = sys.argv[1:]
    with open_store(url) as store:
        print("ready", flush=True)
        sys.stdin.readline()
        for step in range(int(count)):
            adjusted = [{"factor": f"factor {step}", "by": float(step)}, {"factor": "other", "to": "x" * 150}]
            number = store.feedback.add(tenant, edit, "adjusted", adjusted)
            print(number, step, flush=True)
