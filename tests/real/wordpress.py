"""A WordPress of this machine: the real one, run by WordPress Playground, with somebody who posts and a reader."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.postgres import end_with_us

from .install import installed
from .ports import free_port, wait_for

BUILD = "node_modules/@wp-playground/wordpress-builds/src/wordpress/wp-6.5.zip"
PROGRAM = "node_modules/.bin/wp-playground-cli"
START_S = 180.0
POSTS, COMMENTS = "cyngor", "sian"
# Application passwords are given out over http only where the site says that it is nobody's but the developer's. Its
# wait of 15 seconds between two comments of one user is lifted: each database has the same ones said.
MAKE_USERS = """<?php require '/wordpress/wp-load.php';
foreach (['cyngor' => 'author', 'sian' => 'subscriber'] as $name => $role) {
  $user = wp_insert_user(['user_login' => $name, 'user_pass' => wp_generate_password(), 'role' => $role,
    'user_email' => "$name@cyngor.example"]);
  [$password] = WP_Application_Passwords::create_new_application_password($user, ['name' => 'Dolen']);
  file_put_contents("/told/$name", $password);
}
update_option('permalink_structure', '/%postname%/');
update_option('comment_previously_approved', 0);
if (!is_dir(WPMU_PLUGIN_DIR)) mkdir(WPMU_PLUGIN_DIR);
file_put_contents(WPMU_PLUGIN_DIR . '/quick.php', "<?php add_filter('comment_flood_filter', '__return_false', 99);");
flush_rewrite_rules();"""


@dataclass(frozen=True)
class Site:
    """A site and the passwords of its users."""

    address: str
    passwords: dict[str, str]

    def ask(self, path: str, told: Any = None, user: str = COMMENTS) -> Any:
        """What the site answers one of them."""
        login = b64encode(f"{user}:{self.passwords[user]}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        body = None if told is None else json.dumps(told).encode()
        request = urllib.request.Request(f"{self.address}/wp-json/wp/v2/{path}", body, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """A new site in this folder; it ends with the block."""
    server, port = installed("wordpress"), free_port()
    assert server is not None
    with zipfile.ZipFile(server / BUILD) as build:
        build.extractall(folder / "wordpress")
    (folder / "told").mkdir()
    blueprint = folder / "blueprint.json"
    blueprint.write_text(json.dumps({"steps": [{"step": "runPHP", "code": MAKE_USERS}]}), encoding="utf-8")
    running = subprocess.Popen(
        [
            server / PROGRAM, "server", "--port", str(port), "--workers", "2", "--blueprint", blueprint,
            "--wordpress-install-mode", "install-from-existing-files", "--define", "WP_ENVIRONMENT_TYPE", "local",
            "--define-bool", "DISABLE_WP_CRON", "true",
            "--mount-before-install", f"{folder / 'wordpress'}:/wordpress", "--mount", f"{folder / 'told'}:/told",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=end_with_us(),
    )  # fmt: skip
    try:
        wait_for(port, running)
        address = f"http://127.0.0.1:{port}"
        _ready(address, folder / "told" / COMMENTS)
        passwords = {name: (folder / "told" / name).read_text("utf-8").strip() for name in (POSTS, COMMENTS)}
        yield Site(address, passwords)
    finally:
        running.terminate()
        running.wait(20)


def _ready(address: str, last: Path) -> None:
    """Wait until the site is installed and its last user made; the first who comes then is led in a circle once."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with suppress(OSError):
            if last.is_file():
                urllib.request.urlopen(address, timeout=START_S).close()
                return
        time.sleep(0.2)
    raise RuntimeError("WordPress was not installed in time")
