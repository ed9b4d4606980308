"""Served to others: directly, and through nginx as docs/serving.md sets it up, TLS included."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from app.passphrase import set_passphrase
from app.sessions import COOKIE
from data.home import Home
from labelling.wording import ENGLISH
from tests.browser.conftest import (
    PATIENCE_MS,
    ROOT,
    App,
    free_port,
    running_app,
)
from tests.browser.label_session import join, make_study, open_page, press

PASSPHRASE = "correct horse battery staple"
TITLES = ["Explore", "Results", "Studies", "Experiments", "Maps"]
NAME = "plainview.test"  # tests/browser/conftest.py has Chromium look for it on loopback


@contextmanager
def served(home: Path, serve_at: str, port: int) -> Iterator[App]:
    """The app, served at an address, with a passphrase."""
    set_passphrase(Home(home), PASSPHRASE)
    with running_app(home, port=port, serve_at=serve_at) as app:
        yield app


@contextmanager
def visiting(browser: Browser) -> Iterator[Page]:
    """A browser of its own; the test's certificate is nobody's."""
    with closing(browser.new_context(ignore_https_errors=True)) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()


@dataclass(frozen=True)
class Nginx:
    """nginx before the app: the configuration of docs/serving.md, with other places in it."""

    folder: Path
    port: int
    app_port: int
    base: str

    @property
    def address(self) -> str:
        return f"https://{NAME}:{self.port}{self.base}"

    @property
    def log(self) -> Path:
        return self.folder / "access.log"

    def configuration(self) -> str:
        document = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
        [block] = re.findall(r"```nginx\n(.*?)```", document, re.DOTALL)
        certificate = r"/etc/letsencrypt/live/labels.example.org"
        for of_document, of_test in (
            ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
            ("server_name labels.example.org", f"server_name {NAME}"),
            (f"{certificate}/fullchain.pem", str(self.folder / "certificate.pem")),
            (f"{certificate}/privkey.pem", str(self.folder / "key.pem")),
            ("/var/log/nginx/plainview.log", str(self.log)),
            ("127.0.0.1:8501", f"127.0.0.1:{self.app_port}"),
            ("location / {", f"location {self.base}/ {{"),
        ):
            assert of_document in block
            block = block.replace(of_document, of_test)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = [f"{kind}_temp_path {self.folder / kind};" for kind in kinds]
        return "\n".join(
            [
                "daemon off; worker_processes 1;",
                f"pid {self.folder / 'pid'}; error_log {self.folder / 'error.log'};",
                "events { worker_connections 64; }",
                "http {",
                *places,
                block,
                "}",
            ]
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        self.folder.mkdir()
        certificate = ("-keyout", self.folder / "key.pem", "-out", self.folder / "certificate.pem")
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"),
                *map(str, certificate),
            ],
            check=True,
            capture_output=True,
        )
        file = self.folder / "nginx.conf"
        file.write_text(self.configuration(), encoding="utf-8")
        process = subprocess.Popen(
            ["nginx", "-p", str(self.folder), "-c", str(file), "-e", str(self.folder / "start.log")]
        )
        try:
            deadline = time.monotonic() + 30
            while not (self.folder / "pid").exists() or not (self.folder / "pid").read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail((self.folder / "start.log").read_text())
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(30)


def course(app: App, browser: Browser) -> None:
    """A labeller labels by a link, and a researcher signs in, invites and signs out."""
    study_id = make_study(app.home, trials=4)
    session = join(app.url, app.home, study_id)
    with closing(session.database), visiting(browser) as page:
        open_page(page, session)
        assert page.url == f"{app.url}/"
        for key in "121":
            press(page, session, key)
        page.reload()
        expect(page.locator(".judge.ready")).to_be_visible()
        assert len(session.stored()) == 3
        token = urlsplit(session.address).query.partition("=")[2]
        [cookie] = [one for one in page.context.cookies() if one["name"] == COOKIE]
        assert cookie["httpOnly"] and cookie["secure"] is app.url.startswith("https:")
        assert cookie["path"] == f"{urlsplit(app.url).path}/"
        _finds_nothing_else(app, page)
    with visiting(browser) as page:
        page.goto(f"{app.url}/studies")
        expect(page.get_by_text(ENGLISH.not_invited)).to_be_visible()
        page.get_by_role("textbox", name="Your name").fill("Rae")
        page.get_by_label("Passphrase").fill(PASSPHRASE)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_test_id("stTopNavLink")).to_have_text(TITLES)
        page.goto(f"{app.url}/studies")
        page.get_by_role("button", name="Invite").click()
        page.get_by_role("textbox", name="Names").fill("Cleo (synthetic)")
        page.get_by_role("button", name="Make the links").click()
        shown = page.get_by_test_id("stCode")
        expect(shown).to_contain_text(f"{app.url}/?invitation=")
        link = shown.inner_text().strip()
        page.get_by_role("link", name="Sign out").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Passphrase")).to_be_visible()
        page.goto(f"{app.url}/results")
        expect(page.get_by_label("Passphrase")).to_be_visible()
    with visiting(browser) as page:
        page.goto(link)
        expect(
            page.locator(".judge.ready").or_(page.get_by_role("button", name="Start"))
        ).to_be_visible()
    log = (app.home / "logs" / "app.log").read_text()
    assert "Rae signed in by passphrase" in log
    assert "Traceback" not in log
    for secret in (token, PASSPHRASE):
        assert secret not in log + (app.home / "logs" / "serve.output").read_text()


def _finds_nothing_else(app: App, page: Page) -> None:
    """A labeller who guesses addresses."""
    for address in ("/studies", "/media/x.png", "/_stcore/metrics"):
        answer = page.goto(f"{app.url}{address}")
        assert answer is not None and answer.status == 404
        assert page.get_by_text("Not found.").is_visible()


def test_served_directly_on_loopback(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    with served(tmp_path / "home", f"http://localhost:{port}", port) as app:
        course(app, browser)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """nginx, which Debian has where not everybody looks, and openssl, of `.ci/prepare`."""
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin")
    missing = [name for name in ("nginx", "openssl") if not shutil.which(name)]
    if missing:
        pytest.skip(f"Not installed: {', '.join(missing)}; run: .ci/prepare browser")


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("base", ["", "/labels"], ids=["a name of its own", "below a path"])
def test_served_by_nginx_as_the_guide_says(browser: Browser, tmp_path: Path, base: str) -> None:
    nginx = Nginx(tmp_path / "nginx", free_port(), free_port(), base)
    with nginx.running(), served(tmp_path / "home", nginx.address, nginx.app_port) as app:
        course(app, browser)
    asked = nginx.log.read_text()
    assert f'"GET {base}/_stcore/stream" 101' in asked
    assert "invitation" not in asked
