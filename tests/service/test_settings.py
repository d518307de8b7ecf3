"""Settings: what wins, and what stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.settings import BadSetting, load, names


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "dolen.toml"


def written(toml: Path, text: str, **environ: str) -> dict[str, str]:
    toml.write_text(text, "utf-8")
    return {"DOLEN_CONFIG": str(toml), **environ}


def test_defaults_serve_on_loopback_with_sqlite_in_the_data_folder(tmp_path: Path) -> None:
    settings = load({"DOLEN__DATA__DIR": str(tmp_path)})
    assert settings.http.host == "127.0.0.1"
    assert settings.http.base_url == "http://127.0.0.1:8080"
    assert settings.database.url == f"sqlite:///{tmp_path}/dolen.db"


def test_the_environment_wins_over_the_file_and_the_file_over_defaults(toml: Path) -> None:
    environ = written(toml, '[http]\nport = 9000\nhost = "::1"\n', DOLEN__HTTP__PORT="9001")
    settings = load(environ)
    assert (settings.http.port, settings.http.host, settings.http.threads) == (9001, "::1", 16)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[http]\nprot = 1\n", "http.prot"),
        ("[htpp]\nport = 1\n", "htpp.port"),
        ('[http]\nport = "80"\n', "http.port"),
        ("[http]\nport = true\n", "http.port"),
        ("[http]\nport = 1.5\n", "http.port"),
        ("[http]\nport = 0\n", "http.port"),
        ("[practice]\nenabled = 1\n", "practice.enabled"),
        ("port = 80\n", "port"),
        ('[database]\nurl = "mysql://x"\n', "database.url"),
        ('[http]\nbase_url = "example.org"\n', "http.base_url"),
        ('[log]\nlevel = "loud"\n', "log.level"),
        ("[http\n", "DOLEN_CONFIG"),
    ],
)
def test_what_cannot_be_used_stops_the_start_and_is_named(toml: Path, text: str, named: str) -> None:
    with pytest.raises(BadSetting, match=f"^{named}"):
        load(written(toml, text))


@pytest.mark.parametrize(
    ("name", "text"),
    [("HTTP__PORT", "eighty"), ("PRACTICE__ENABLED", "yes"), ("NO__SUCH", "1"), ("HTTP", "1")],
)
def test_a_wrong_environment_variable_stops_the_start(name: str, text: str) -> None:
    with pytest.raises(BadSetting, match=name.lower().replace("__", ".")):
        load({f"DOLEN__{name}": text})


def test_a_missing_file_that_was_asked_for_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="DOLEN_CONFIG"):
        load({"DOLEN_CONFIG": str(tmp_path / "none.toml")})


def test_a_secret_is_taken_from_the_environment_or_a_file(toml: Path, tmp_path: Path) -> None:
    url = "postgresql://dolen:word@127.0.0.1/dolen"
    (tmp_path / "url").write_text(f"{url}\n", "utf-8")
    text = '[database]\nurl = "{}"\n'
    assert load(written(toml, text.format("env:PG"), PG=url)).database.url == url
    assert load(written(toml, text.format(f"file:{tmp_path}/url"))).database.url == url


@pytest.mark.parametrize("reference", ["env:NOT_THERE", "file:/not/there"])
def test_a_missing_secret_stops_the_start_and_is_named(toml: Path, reference: str) -> None:
    with pytest.raises(BadSetting, match=r"^database\.url"):
        load(written(toml, f'[database]\nurl = "{reference}"\n'))


def test_a_password_written_into_the_file_is_refused(toml: Path) -> None:
    with pytest.raises(BadSetting, match=r"^database\.url.*env:") as refused:
        load(written(toml, '[database]\nurl = "postgresql://dolen:hunter22@localhost/x"\n'))
    assert "hunter22" not in str(refused.value)


def test_whole_numbers_serve_where_fractions_may_stand(toml: Path) -> None:
    assert load(written(toml, "[work]\nlease_s = 90\n")).work.lease_s == 90.0


def test_every_setting_has_a_name() -> None:
    assert "database.url" in names() and len(names()) == len(set(names()))


def test_the_example_file_holds_the_defaults() -> None:
    example = Path(__file__).parents[2] / "config/dolen.toml.example"
    assert load({"DOLEN_CONFIG": str(example)}) == load({})
