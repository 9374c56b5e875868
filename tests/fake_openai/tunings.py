"""Makes, watches and cancels fine-tunes over HTTP; they live on the clock of batches."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.fake_openai.chat import Chat, authorised
from tests.fake_openai.files import Files
from tests.fake_openai.troubled import Refused
from tests.fake_openai.tuning import Job, read_chats
from tests.fake_openai.wire import new_id


class Tunings:
    """Every fine-tune by id, in order of creation. One moves on when somebody asks for it."""

    def __init__(self, chat: Chat, files: Files, now: Callable[[], float]) -> None:
        self.chat, self.files, self.now = chat, files, now
        self.all: dict[str, Job] = {}

    async def create(self, request: Request) -> Response:
        authorised(request, self.chat.settings)
        body: dict[str, Any] = await request.json()
        plan = self.chat.settings.tuning.model_copy()
        if plan.refuse:
            raise Refused(403, "Fine-tuning is no longer available to this organization.", code="unsupported")
        base = self.chat.model(body)
        if not base.tunable:
            raise Refused(400, f"Model {base.id} is not available for fine-tuning.", code="model_not_available")
        ids = {name: body.get(name) for name in ("training_file", "validation_file")}
        contents = {name: self._content(str(file_id), name) for name, file_id in ids.items() if file_id}
        if "training_file" not in contents:
            raise Refused(400, "Missing required parameter: 'training_file'.", param="training_file")
        suffix = str(body.get("suffix") or "")
        if len(suffix) > 64:
            raise Refused(400, "Invalid 'suffix': 64 letters at most.", param="suffix")
        lines, tokens, wrong = read_chats(contents["training_file"])
        supervised = (body.get("method") or {}).get("supervised") or {}
        epochs = (supervised.get("hyperparameters") or {}).get("n_epochs", "auto")
        job = Job(
            id=new_id("ftjob-"),
            base=base,
            training_file=str(ids["training_file"]),
            validation_file=ids["validation_file"],
            epochs=3 if epochs == "auto" else int(epochs),
            suffix=suffix,
            metadata=body.get("metadata"),
            seed=int(body.get("seed") or 0),
            created=self.now(),
            plan=plan,
            lines=lines,
            tokens=tokens,
            wrong=wrong,
        )
        job.created_event()
        self.all[job.id] = job
        if plan.lose_answer:
            raise Refused(500, "The server had an error while processing your request.", "server_error")
        return JSONResponse(job.shown())

    async def show(self, request: Request) -> Response:
        return JSONResponse(self._moved(request).shown())

    async def list(self, request: Request) -> Response:
        """Newest first, in pages, as the SDK walks through them."""
        authorised(request, self.chat.settings)
        return _page(request, [self._move(job).shown() for job in reversed(self.all.values())])

    async def events(self, request: Request) -> Response:
        """Newest first, too."""
        return _page(request, self._moved(request).events[::-1])

    async def cancel(self, request: Request) -> Response:
        job = self._moved(request)
        if not job.cancel(self.now()):
            raise Refused(400, f"Job {job.id} has already ended: {job.status}.", code="invalid_state")
        return JSONResponse(job.shown())

    def _content(self, file_id: str, param: str) -> bytes:
        file = self.files.get(file_id)
        if file.purpose != "fine-tune":
            raise Refused(400, "The file must have the purpose 'fine-tune'.", param=param)
        return file.content

    def _moved(self, request: Request) -> Job:
        authorised(request, self.chat.settings)
        job = self.all.get(request.path_params["id"])
        if job is None:
            raise Refused(404, f"Could not find fine tune: {request.path_params['id']}", code="fine_tune_not_found")
        return self._move(job)

    def _move(self, job: Job) -> Job:
        before = job.status
        job.moved(self.now())
        if job.status == "succeeded" != before:
            self.chat.tuned.append(job.base.model_copy(update={"id": job.model, "owned_by": "user-tests"}))
        return job


def _page(request: Request, rows: list[dict[str, Any]]) -> Response:
    limit = min(max(int(request.query_params.get("limit", 20)), 1), 100)
    after = request.query_params.get("after")
    if after is not None:
        ids = [row["id"] for row in rows]
        if after not in ids:
            raise Refused(404, f"Nothing found with id '{after}'.", param="after")
        rows = rows[ids.index(after) + 1 :]
    return JSONResponse({"object": "list", "data": rows[:limit], "has_more": len(rows) > limit})
