"""Hears tasks by Dapr's extension for FastAPI, which lists them to the sidecar (`subscription.mode: programmatic`)."""

import json
import os

from dapr.ext.fastapi import DaprApp
from fastapi import FastAPI

app = FastAPI()
dapr = DaprApp(app)


def handle(event: dict):
    if event["type"] != "com.task-pubsub.canary":
        # In the place of an effect, which would remember `source` and `id`: the whole event.
        print(json.dumps(event), flush=True)
    return {"status": "SUCCESS"}


# Several during a change of broker. The dead letters are nobody else's to name in this mode.
for component in os.environ["PUBSUB_NAMES"].split(","):
    dapr.subscribe(component, os.environ["TOPIC"], dead_letter_topic=os.environ["DEAD_LETTER_TOPIC"])(handle)
