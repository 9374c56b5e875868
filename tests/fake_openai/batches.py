"""Makes, watches and cancels batches over HTTP; their clock can be moved on by a test."""

import asyncio
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.fake_openai.batch import URL, Batch, read_lines
from tests.fake_openai.chat import Chat, authorised
from tests.fake_openai.files import Files
from tests.fake_openai.troubled import Refused
from tests.fake_openai.wire import new_id


class Batches:
    """Every batch by id, in order of creation. A batch moves on when somebody asks for it."""

    def __init__(self, chat: Chat, files: Files) -> None:
        self.chat, self.files = chat, files
        self.all: dict[str, Batch] = {}
        self.ahead = 0.0  # seconds that the batch clock was moved on
        self._one = asyncio.Lock()

    def now(self) -> float:
        return time.time() + self.ahead

    async def create(self, request: Request) -> Response:
        authorised(request, self.chat.settings)
        body: dict[str, Any] = await request.json()
        if body.get("endpoint") != URL:
            raise Refused(400, f"Invalid value for 'endpoint': only {URL} is served here.", param="endpoint")
        if body.get("completion_window") != "24h":
            raise Refused(400, "Invalid value for 'completion_window': must be '24h'.", param="completion_window")
        metadata = body.get("metadata")
        if metadata and (len(metadata) > 16 or any(len(k) > 64 or len(str(v)) > 512 for k, v in metadata.items())):
            raise Refused(400, "Invalid 'metadata': 16 pairs of 64 and 512 letters at most.", param="metadata")
        file = self.files.get(str(body.get("input_file_id")))
        if file.purpose != "batch":
            raise Refused(400, "The input file must have the purpose 'batch'.", param="input_file_id")
        plan = self.chat.settings.batching.model_copy()
        batch = Batch(new_id("batch_"), file.id, metadata, self.now(), plan)
        batch.lines, batch.errors = read_lines(file.content)
        if plan.refuse is not None:
            message = f"The batch was refused: {plan.refuse}."
            batch.errors.append({"code": plan.refuse, "line": None, "message": message, "param": None})
        self.all[batch.id] = batch
        return JSONResponse(batch.shown())

    async def show(self, request: Request) -> Response:
        batch = await self._moved(request)
        return JSONResponse(batch.shown())

    async def cancel(self, request: Request) -> Response:
        batch = await self._moved(request)
        batch.cancel(self.now())
        return JSONResponse(batch.shown())

    async def list(self, request: Request) -> Response:
        """Newest first, in pages, as the SDK walks through them."""
        authorised(request, self.chat.settings)
        limit = min(max(int(request.query_params.get("limit", 20)), 1), 100)
        ids = list(reversed(self.all))
        after = request.query_params.get("after")
        if after is not None:
            if after not in self.all:
                raise Refused(404, f"No batch found with id '{after}'.", param="after")
            ids = ids[ids.index(after) + 1 :]
        page = [await self._move(self.all[batch_id]) for batch_id in ids[:limit]]
        return JSONResponse(
            {
                "object": "list",
                "data": [batch.shown() for batch in page],
                "first_id": page[0].id if page else None,
                "last_id": page[-1].id if page else None,
                "has_more": len(ids) > limit,
            }
        )

    async def _moved(self, request: Request) -> Batch:
        authorised(request, self.chat.settings)
        batch = self.all.get(request.path_params["id"])
        if batch is None:
            raise Refused(404, f"No batch found with id '{request.path_params['id']}'.", param="id")
        return await self._move(batch)

    async def _move(self, batch: Batch) -> Batch:
        async with self._one:  # two who ask at once must not have the lines answered twice
            if self.chat.brain.blocking:
                await asyncio.to_thread(batch.moved, self.now(), self.chat, self.files)
            else:
                batch.moved(self.now(), self.chat, self.files)
        return batch
