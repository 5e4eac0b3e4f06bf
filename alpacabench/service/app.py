"""The HTTP interface: submit, follow, cancel and plan runs. What is refused is told in the command line's own words."""

from __future__ import annotations

import hmac
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.routing import Route

from alpacabench.core.errors import AlpacabenchError
from alpacabench.core.version import __version__
from alpacabench.security.redact import redact
from alpacabench.service import TOKEN
from alpacabench.service.events import follow
from alpacabench.service.messages import Asked, Plan, Queued, State, refusals, written
from alpacabench.service.queue import ENDED, Job, Queue
from alpacabench.service.worker import Place, environment

PLAN_SECONDS = 120
PLANS = 2
"""Plans that are made at once."""
PAGES = {"report.html", "sweep.html", "explorer.html", "metrics.json", "audit.json", "sweep.csv", "run.log"}
"""Files of a run that can be read over HTTP."""
CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
EVENTS = "text/event-stream"
Limit = Annotated[int, Query(ge=1, le=1000)]
Check = Callable[[Sequence[str], bool], None]
"""Refuses overrides of a run, or (True) of a sweep, with an AlpacabenchError."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the interface stands on."""

    queue: Queue
    place: Place
    tokens: Mapping[str, str]
    """Client to token."""
    check: Check
    planning: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(PLANS))

    def client(self, token: str) -> str | None:
        """Return whose token it is."""
        # All are compared, so that the time tells nothing.
        found = [name for name, own in self.tokens.items() if hmac.compare_digest(own.encode(), token.encode())]
        return found[0] if found else None

    def state(self, job: Job) -> State:
        """Return what a client is told of its job."""
        directory = self.place.directory(job.id, job.multirun)
        there = sorted(name for name in PAGES if (directory / name).is_file()) if job.status in ENDED else []
        known = {name: getattr(job, name) for name in State.model_fields if name != "files"}
        return State(**known, files=there)

    def refuse(self, asked: Asked) -> None:
        """Raise the HTTP error of what the command line would refuse."""
        try:
            self.check(asked.overrides, asked.multirun)
        except AlpacabenchError as error:
            raise HTTPException(422, redact(str(error))) from None


router = APIRouter(responses=refusals(401, 408, 413, 422, 503))
bearer = HTTPBearer(auto_error=False, description=f"the token of {TOKEN}")


def of_app(request: Request) -> Service:
    """Return what the application stands on."""
    service: Service = request.app.state.service
    return service


Here = Annotated[Service, Depends(of_app)]


def client(service: Here, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> str:
    """Return who asks, by the token."""
    if given is None or (name := service.client(given.credentials)) is None:
        wanted = {"WWW-Authenticate": "Bearer"}
        raise HTTPException(401, "give the server's token: Authorization: Bearer TOKEN", wanted)
    return name


Client = Annotated[str, Depends(client)]


def job_of(id_: Annotated[str, Path(alias="id")], name: Client, service: Here) -> Job:
    """Return the client's job of an id."""
    if (found := service.queue.find(id_, name)) is None:
        raise HTTPException(404, f"no run '{id_}' of yours: GET /runs lists them")
    return found


Found = Annotated[Job, Depends(job_of)]


@router.post("/runs", status_code=201, responses=refusals(400, 429), summary="Queue a run or a sweep")
def submit(asked: Asked, name: Client, service: Here) -> Queued:
    """Queue a run, after the checks that the command line makes before it reads data."""
    service.refuse(asked)
    if (id_ := service.queue.add(name, asked.overrides, asked.multirun)) is None:
        raise HTTPException(429, "too many of your runs are waiting: wait, or cancel some")
    return Queued(id=id_)


@router.get("/runs", summary="List your runs, the newest first")
def runs(name: Client, service: Here, limit: Limit = 100) -> list[State]:
    """Return the runs of the token's client."""
    return [service.state(one) for one in service.queue.all(name, limit)]


@router.get("/runs/{id}", responses=refusals(404), summary="How a run stands, and its metrics")
def state(job: Found, service: Here) -> State:
    """Return one run."""
    return service.state(job)


@router.post("/runs/{id}/cancel", responses=refusals(404), summary="End a run; what it was answered is kept")
def cancel(job: Found, name: Client, service: Here) -> State:
    """End a run at once where it waits, else within seconds; one that has ended stays as it is."""
    service.queue.cancel(job.id, name)
    return service.state(service.queue.find(job.id, name) or job)


@router.get(
    "/runs/{id}/events", response_class=Response, responses=written(EVENTS) | refusals(404),
    summary="Follow a run: server-sent events `status`, `log` and `end`",
)  # fmt: skip
def events(job: Found, name: Client, service: Here, request: Request) -> StreamingResponse:
    """Stream what happens; `Last-Event-ID` continues the log."""
    seen = request.headers.get("last-event-id", "0")

    def now() -> State:
        return service.state(service.queue.find(job.id, name) or job)

    stream = follow(now, service.place.log(job.id), int(seen) if seen.isdecimal() else 0)
    return StreamingResponse(stream, media_type=EVENTS, headers={"Cache-Control": "no-store"})


@router.get(
    "/runs/{id}/files/{file}", response_class=Response, summary="Read a page or a file of a run",
    responses=written("text/html", "text/plain") | refusals(404),
)  # fmt: skip
def read(job: Found, file: str, service: Here) -> Response:
    """Return one of the files that the run's state names."""
    if file not in service.state(job).files:
        raise HTTPException(404, f"no file '{file}' of run '{job.id}': GET /runs/{job.id} lists them")
    content = (service.place.directory(job.id, job.multirun) / file).read_bytes()
    # What models wrote never runs with the interface's rights.
    guarded = {"Content-Security-Policy": f"sandbox allow-scripts; {CSP}", "X-Content-Type-Options": "nosniff"}
    kind = "text/html" if file.endswith(".html") else "text/plain; charset=utf-8"
    return Response(content, media_type=kind, headers=guarded)


@router.post("/plan", responses=refusals(400, 504), summary="What a run would ask and cost; nothing is run")
def plan(asked: Asked, _: Client, service: Here) -> Plan:
    """Return what `plan=true` prints."""
    service.refuse(asked)
    with service.planning:
        return Plan(plan=_plan(service.place, asked))


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
def page() -> HTMLResponse:
    """Return the page that shows queue and runs; it asks for the token itself."""
    content = files("alpacabench.service").joinpath("page.html").read_text(encoding="utf-8")
    return HTMLResponse(content, headers={"Content-Security-Policy": CSP, "Referrer-Policy": "no-referrer"})


def make_app(service: Service) -> FastAPI:
    """Return the application; only its page and /openapi.json need no token."""
    app = FastAPI(title="alpacabench", version=__version__, description=__doc__, docs_url=None, redoc_url=None)
    app.state.service = service
    app.include_router(router)

    @app.exception_handler(RequestValidationError)
    def misshapen(_: Request, error: RequestValidationError) -> Response:
        # Not the input itself, which may be anything.
        told = (f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors())
        return JSONResponse({"detail": redact("\n".join(told))}, 422)

    @app.exception_handler(405)
    def other_method(request: Request, _: Exception) -> Response:
        path = request.url.path
        matching = [
            one for one in (*app.routes, *router.routes) if isinstance(one, Route) and one.path_regex.match(path)
        ]
        allowed = sorted({method for route in matching for method in route.methods or ()})
        told = f"{request.method} is not known here; allowed: {', '.join(allowed)}"
        return JSONResponse({"detail": told}, 405, {"Allow": ", ".join(allowed)})

    @app.exception_handler(AlpacabenchError)
    def failed(_: Request, error: AlpacabenchError) -> Response:
        return JSONResponse({"detail": redact(str(error))}, 503)

    return app


def _plan(place: Place, asked: Asked) -> str:
    """Return what `plan=true` prints, run as a command of its own."""
    multirun = ["-m"] if asked.multirun else []
    command = [sys.executable, "-m", place.program, "run", *multirun, *asked.overrides, *place.overrides, "plan=true"]
    options: dict[str, Any] = {"cwd": place.data, "env": environment(), "stdin": subprocess.DEVNULL}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PLAN_SECONDS, check=False, **options)
    except subprocess.TimeoutExpired:
        raise HTTPException(504, f"the plan took longer than {PLAN_SECONDS} s") from None
    if done.returncode != 0:
        raise HTTPException(422, redact((done.stderr or done.stdout).strip()))
    return str(done.stdout)
