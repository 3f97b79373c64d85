"""A hub on loopback: the few endpoints that fetching and pushing a model use, as huggingface.co answers them."""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

LFS_FROM = 4096  # bytes: smaller files lie in git itself


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def digest_of(content: bytes) -> str:
    """The hash that names a file in the cache."""
    return hashlib.sha256(content).hexdigest() if len(content) >= LFS_FROM else git_hash(content)


@dataclass
class Repository:
    """Files by name for each commit, the newest last; how they are told may be falsified."""

    private: bool = False
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)
    claimed_sizes: dict[str, int] = field(default_factory=dict)
    claimed_hashes: dict[str, str] = field(default_factory=dict)
    claimed_commit: str = ""
    etag: str | None = None
    listing: bytes | None = None  # in place of the list of files
    location: str | None = None  # where files are said to be; "": at the address that was asked
    endless: tuple[str, ...] = ()  # files, "list" or "redirect": sent as fast as they are read
    slow: tuple[str, ...] = ()  # files, or "list": five bytes a second

    def commit(self, files: dict[str, bytes]) -> str:
        whole = {**(self.commits[-1][1] if self.commits else {}), **files}
        sha = hashlib.sha1(repr((len(self.commits), sorted(whole.items()))).encode()).hexdigest()
        self.commits.append((sha, whole))
        return sha

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        known = {sha: (sha, files) for sha, files in self.commits}
        return self.commits[-1] if revision == "main" and self.commits else known.get(revision)


@dataclass
class Hub:
    """What the server holds, and what it was asked."""

    address: str = ""
    token: str = "hf_of_the_test"
    repositories: dict[str, Repository] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)  # of the requests
    messages: list[str] = field(default_factory=list)
    open: bool = True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.answer("GET")

    def do_HEAD(self) -> None:
        self.answer("HEAD")

    def do_POST(self) -> None:
        self.answer("POST")

    def do_PUT(self) -> None:
        self.answer("PUT")

    def answer(self, method: str) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{method} {path}")
        self.hub.tokens.append(self.headers.get("Authorization"))
        for methods, pattern, action in ROUTES:
            if method in methods and (found := re.fullmatch(pattern, path)):
                return action(self, *found.groups())
        return self.respond({"error": f"no endpoint {method} {path}"}, 404)

    def respond(self, content: object, status: int = 200, **headers: str) -> None:
        self.send(json.dumps(content).encode(), status, {"Content-Type": "application/json", **headers})

    def send(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def drip(self, pause: float, head: str = "200 OK") -> None:
        """Send content without end, until the client or the server goes away."""
        with suppress(OSError):
            self.wfile.write(f"HTTP/1.1 {head}\r\n\r\n".encode())
            self.close_connection = True
            while self.hub.open:
                self.wfile.write(b" " if pause else bytes(1 << 16))
                time.sleep(pause)

    @property
    def known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.hub.token}"

    def refuse(self, code: str, status: int) -> None:
        self.respond({"error": code}, status, X_Error_Code=code, X_Error_Message=code)

    def state(self, name: str, revision: str) -> tuple[Repository, str, dict[str, bytes]] | None:
        """A repository at a revision, or an error that has been sent."""
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and not self.known):
            return self.refuse("RepoNotFound", 404)
        if (found := repository.at(revision)) is None:
            return self.refuse("RevisionNotFound", 404)
        return repository, *found

    def tell(self, name: str, revision: str | None = None) -> None:
        if (found := self.state(name, revision or "main")) is None:
            return
        repository, sha, files = found
        siblings = []
        for file, content in files.items():
            size = repository.claimed_sizes.get(file, len(content))
            entry = {"rfilename": file, "size": size, "blobId": repository.claimed_hashes.get(file, git_hash(content))}
            if len(content) >= LFS_FROM:
                digest = repository.claimed_hashes.get(file, digest_of(content))
                entry["lfs"] = {"sha256": digest, "size": size, "pointerSize": 130}
            siblings.append(entry)
        if "list" in repository.endless + repository.slow:
            self.drip(0.2 if "list" in repository.slow else 0.0)
            return
        if repository.listing is not None:
            self.send(repository.listing, 200, {"Content-Type": "application/json"})
            return
        sha = repository.claimed_commit or sha
        self.respond({"id": name, "sha": sha, "private": repository.private, "siblings": siblings})

    def file(self, name: str, revision: str, path: str) -> None:
        if (found := self.state(name, revision)) is None:
            return
        repository, sha, files = found
        if path in repository.endless + repository.slow:
            self.drip(0.2 if path in repository.slow else 0.0)
            return
        if repository.location is not None:
            location = repository.location or self.path
            if "redirect" in repository.endless:
                self.drip(0.0, f"302 Found\r\nLocation: {location}")
            else:
                self.respond({}, 302, Location=location)
            return
        if path not in files:
            self.refuse("EntryNotFound", 404)
            return
        content = files[path]
        large = len(content) >= LFS_FROM
        etag = digest_of(content) if repository.etag is None else repository.etag
        headers = {"X-Repo-Commit": sha, "ETag": f'"{etag}"', "Content-Type": "application/octet-stream"}
        if large:
            headers |= {"X-Linked-ETag": f'"{etag}"', "X-Linked-Size": str(len(content))}
        self.send(content, 200, headers)

    def create(self) -> None:
        if not self.known:
            return self.respond({"error": "Invalid username or password."}, 401)
        requests = json.loads(self.body)
        name = f"{requests['organization']}/{requests['name']}"
        if name in self.hub.repositories:
            return self.respond(
                {"error": "You already created this model repo", "url": f"{self.hub.address}/{name}"}, 409
            )
        private = requests.get("private", requests.get("visibility") == "private")
        self.hub.repositories[name] = repository = Repository(private=private)
        repository.commit({".gitattributes": b""})
        return self.respond({"url": f"{self.hub.address}/{name}"})

    def validate(self) -> None:
        content = json.loads(self.body)["content"]
        good = re.match(r"---\n.*?\n---\n", content, re.DOTALL)
        self.respond({"errors": [] if good else [{"message": "no metadata"}], "warnings": []}, 200 if good else 400)

    def preupload(self, name: str) -> None:
        sizes = {file["path"]: file["size"] for file in json.loads(self.body)["files"]}
        modes = {path: "lfs" if size >= LFS_FROM else "regular" for path, size in sizes.items()}
        self.respond(
            {"files": [{"path": path, "uploadMode": mode, "shouldIgnore": False} for path, mode in modes.items()]}
        )

    def batch(self, name: str) -> None:
        requests = json.loads(self.body)["objects"]
        objects = [
            {**item, "actions": {"upload": {"href": f"{self.hub.address}/upload/{item['oid']}"}}} for item in requests
        ]
        self.respond({"transfer": "basic", "objects": objects})

    def upload(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            return self.respond({"error": "other content"}, 422)
        self.hub.large[oid] = self.body
        return self.send(b"", 200, {})

    def commit(self, name: str) -> None:
        if not self.known:
            return self.respond({"error": "Forbidden"}, 403)
        lines = [json.loads(line) for line in self.body.splitlines()]
        files = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.hub.messages.append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            else:
                files[value["path"]] = self.hub.large[value["oid"]]
        sha = self.hub.repositories[name].commit(files)
        return self.respond({"success": True, "commitOid": sha, "commitUrl": f"{self.hub.address}/{name}/commit/{sha}"})


ID = r"([\w.-]+/[\w.-]+)"
ROUTES = (
    ({"GET"}, rf"/api/models/{ID}(?:/revision/(.+))?", Handler.tell),
    ({"GET", "HEAD"}, rf"/{ID}/resolve/([^/]+)/(.+)", Handler.file),
    ({"POST"}, r"/api/repos/create", Handler.create),
    ({"POST"}, r"/api/validate-yaml", Handler.validate),
    ({"POST"}, rf"/api/models/{ID}/preupload/main", Handler.preupload),
    ({"POST"}, rf"/{ID}\.git/info/lfs/objects/batch", Handler.batch),
    ({"PUT"}, r"/upload/([0-9a-f]{64})", Handler.upload),
    ({"POST"}, rf"/api/models/{ID}/commit/main", Handler.commit),
)


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        hub.open = False
        server.shutdown()
        thread.join()
        server.server_close()


def lead_to(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process talks to no other hub; its cache is in the folder, and nobody is logged in."""
    import huggingface_hub
    from huggingface_hub import constants

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", hub.address)
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace("https://huggingface.co", hub.address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(folder / "no-token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # another protocol for the same bytes
    huggingface_hub.close_session()
