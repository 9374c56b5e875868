"""The files that were uploaded or written by batches, kept in memory, with the shapes of the Files API."""

import time
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.fake_openai.chat import authorised
from tests.fake_openai.settings import Settings
from tests.fake_openai.troubled import Refused
from tests.fake_openai.wire import new_id

_PURPOSES = {"assistants", "batch", "fine-tune", "vision", "user_data", "evals"}


@dataclass(frozen=True, slots=True)
class File:
    id: str
    name: str
    purpose: str
    content: bytes
    created_at: int

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
        }


class Files:
    """Every file by id, in order of arrival."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.all: dict[str, File] = {}

    def put(self, name: str, purpose: str, content: bytes) -> File:
        file = File(new_id("file-"), name, purpose, content, int(time.time()))
        self.all[file.id] = file
        return file

    def get(self, file_id: str) -> File:
        """Raises Refused with 404."""
        if file_id not in self.all:
            raise Refused(404, f"No such File object: {file_id}", param="id")
        return self.all[file_id]

    async def upload(self, request: Request) -> Response:
        authorised(request, self.settings)
        async with request.form() as form:
            file, purpose = form.get("file"), form.get("purpose")
            if not isinstance(file, UploadFile) or purpose not in _PURPOSES:
                raise Refused(400, "Missing or invalid parameter: 'file' or 'purpose'.", param="purpose")
            name, content = file.filename or "upload", await file.read()
        if not content:
            raise Refused(400, "File is empty.", code="empty_file", param="file")
        if purpose == "batch" and not name.endswith(".jsonl"):
            raise Refused(400, "Invalid file format for Batch API. Must be .jsonl", param="file")
        return JSONResponse(self.put(name, str(purpose), content).shown())

    async def list(self, request: Request) -> Response:
        authorised(request, self.settings)
        wanted = request.query_params.get("purpose")
        found = [file.shown() for file in reversed(self.all.values()) if wanted in (None, file.purpose)]
        return JSONResponse({"object": "list", "data": found, "has_more": False})

    async def show(self, request: Request) -> Response:
        authorised(request, self.settings)
        return JSONResponse(self.get(request.path_params["id"]).shown())

    async def content(self, request: Request) -> Response:
        authorised(request, self.settings)
        return Response(self.get(request.path_params["id"]).content, media_type="application/octet-stream")

    async def delete(self, request: Request) -> Response:
        authorised(request, self.settings)
        file = self.get(request.path_params["id"])
        del self.all[file.id]
        return JSONResponse({"id": file.id, "object": "file", "deleted": True})
