"""Publishes tasks by Dapr's SDK. Component and topic come from the chart's environment, so the broker can change under it."""

import json
import os
import uuid

from dapr.clients import DaprClient
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Task(BaseModel):
    title: str


@app.post("/tasks")
async def create_task(task: Task):
    task_id = str(uuid.uuid4())
    with DaprClient() as client:
        client.publish_event(
            pubsub_name=os.environ["PUBSUB_NAME"],
            topic_name=os.environ["TOPIC"],
            data=json.dumps({
                "event_type": "task.created",
                "task_id": task_id,
                "title": task.title,
            }),
            data_content_type="application/json",
        )
    return {"id": task_id, "title": task.title, "event": "published"}
