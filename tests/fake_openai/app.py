"""The addresses of the test server: OpenAI's, Azure's for chat, and /control for whoever runs a test."""

from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fake_openai.batches import Batches
from tests.fake_openai.brain import Brain
from tests.fake_openai.chat import Chat, authorised
from tests.fake_openai.files import Files
from tests.fake_openai.log import as_json
from tests.fake_openai.settings import Model, Scripted, Settings
from tests.fake_openai.troubled import Refused
from tests.fake_openai.tunings import Tunings


class Site:
    """Everything behind the addresses; lives in the server's event loop."""

    def __init__(self, brain: Brain, settings: Settings) -> None:
        self.settings = settings
        self.chat = Chat(brain, settings)
        self.files = Files(settings)
        self.batches = Batches(self.chat, self.files)
        self.tunings = Tunings(self.chat, self.files, self.batches.now)

    def reset(self) -> None:
        """As after the start: default settings; no log, files, batches, fine-tunes or cached prompts."""
        for name, value in Settings():
            setattr(self.settings, name, value)
        self.chat.reset()
        self.files.all.clear()
        self.batches.all.clear()
        self.tunings.all.clear()
        self.batches.ahead = 0.0

    def app(self) -> Starlette:
        chat, files, batches, tunings = self.chat, self.files, self.batches, self.tunings
        routes = [
            Route("/v1/chat/completions", chat.post, methods=["POST"]),
            Route("/openai/deployments/{model}/chat/completions", chat.post, methods=["POST"]),
            Route("/v1/models", self.models),
            Route("/openai/models", self.models),
            Route("/v1/models/{id:path}", self.model),
            Route("/v1/files", files.upload, methods=["POST"]),
            Route("/v1/files", files.list),
            Route("/v1/files/{id}", files.show),
            Route("/v1/files/{id}", files.delete, methods=["DELETE"]),
            Route("/v1/files/{id}/content", files.content),
            Route("/v1/batches", batches.create, methods=["POST"]),
            Route("/v1/batches", batches.list),
            Route("/v1/batches/{id}", batches.show),
            Route("/v1/batches/{id}/cancel", batches.cancel, methods=["POST"]),
            Route("/v1/fine_tuning/jobs", tunings.create, methods=["POST"]),
            Route("/v1/fine_tuning/jobs", tunings.list),
            Route("/v1/fine_tuning/jobs/{id}", tunings.show),
            Route("/v1/fine_tuning/jobs/{id}/events", tunings.events),
            Route("/v1/fine_tuning/jobs/{id}/cancel", tunings.cancel, methods=["POST"]),
            Route("/control/settings", self.settings_, methods=["GET", "POST"]),
            Route("/control/script", self.script, methods=["POST"]),
            Route("/control/requests", self.requests),
            Route("/control/counts", self.counts),
            Route("/control/advance", self.advance, methods=["POST"]),
            Route("/control/clear", self.clear, methods=["POST"]),
        ]
        return Starlette(routes=routes, exception_handlers={Refused: _refused, ValidationError: _invalid})

    async def models(self, request: Request) -> Response:
        authorised(request, self.settings)
        return JSONResponse({"object": "list", "data": [_shown(model) for model in self.chat.models()]})

    async def model(self, request: Request) -> Response:
        authorised(request, self.settings)
        return JSONResponse(_shown(self.chat.model({"model": request.path_params["id"]})))

    async def settings_(self, request: Request) -> Response:
        """POST changes some settings; both answer with all of them."""
        if request.method == "POST":
            self.settings.change(**await request.json())
        return JSONResponse(self.settings.model_dump(mode="json"))

    async def script(self, request: Request) -> Response:
        """Adds to the scripted troubles: a list of names or of {"kind", "times", "match"}."""
        for entry in await request.json():
            self.settings.script.append(Scripted.model_validate({"kind": entry} if isinstance(entry, str) else entry))
        return JSONResponse({"scripted": len(self.settings.script)})

    async def requests(self, request: Request) -> Response:
        """?after=N: only those from number N on."""
        first = int(request.query_params.get("after", 0))
        return JSONResponse([as_json(entry) for entry in self.chat.log.entries[first:]])

    async def counts(self, request: Request) -> Response:
        return JSONResponse(self.chat.log.counts())

    async def advance(self, request: Request) -> Response:
        """Moves the clock of batches and fine-tunes on: {"seconds": 3600}."""
        self.batches.ahead += float((await request.json())["seconds"])
        return JSONResponse({"ahead": self.batches.ahead})

    async def clear(self, request: Request) -> Response:
        """Forgets the log and the scripted troubles; files, batches and settings stay."""
        self.chat.log.clear()
        self.settings.script.clear()
        return JSONResponse({})


def _shown(model: Model) -> dict[str, Any]:
    out: dict[str, Any] = {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owned_by,
        "max_model_len": model.context,  # as vLLM says it
    }
    return out | ({"shutdown_date": model.shutdown_date} if model.shutdown_date else {})


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return error.response()


async def _invalid(request: Request, error: Exception) -> Response:
    return Refused(400, str(error)).response()
