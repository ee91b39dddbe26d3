"""The local PostgreSQL: whose data it is, and of which version."""

import multiprocessing
import os
import pwd
import shutil
import tempfile
from pathlib import Path

import pytest

from services.postgres import server, user


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Root's data folder of a checkout, with data in it."""
    folder = tmp_path / "elsewhere" / "data"
    folder.mkdir(parents=True)
    (folder / "PG_VERSION").write_text("17\n")
    return folder


def test_a_new_clone_in_an_old_ones_place_starts_with_no_data(data: Path, tmp_path: Path) -> None:
    """The folder's name is made from the checkout's path, and that is the same."""
    server.forget_a_stranger(data, tmp_path / "old")
    assert not data.exists()  # nobody had seeded it
    data.mkdir()
    server.forget_a_stranger(data, tmp_path / "old")
    assert data.exists()
    server.forget_a_stranger(data, tmp_path / "new")
    assert not data.exists()


def test_data_from_before_there_were_ids_is_kept(data: Path, tmp_path: Path) -> None:
    """When this checkout has seeded it."""
    (tmp_path / "seeded").touch()
    server.forget_a_stranger(data, tmp_path)
    assert data.exists()
    server.forget_a_stranger(data, tmp_path)
    assert data.exists()


def test_data_of_another_version_is_told(data: Path, tmp_path: Path) -> None:
    """PostgreSQL itself would say so in a log."""
    (tmp_path / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 16.4'\n")
    (tmp_path / "postgres").chmod(0o755)
    with pytest.raises(SystemExit, match=r"made with PostgreSQL 17, and the programs in .* are 16"):
        server.check_version(tmp_path, data)
    (data / "PG_VERSION").write_text("16\n")
    server.check_version(tmp_path, data)


def test_where_there_is_next_to_no_shared_memory_it_is_had_in_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL ends with a panic when /dev/shm of a container has 1 MB; where there is none it chooses by itself."""
    monkeypatch.setattr(server, "SHARED_MEMORY", tmp_path)
    assert server.shared_memory() == {}
    monkeypatch.setattr(server, "SHARED_MEMORY_NEEDED", shutil.disk_usage(tmp_path).total + 1)
    assert server.shared_memory() == {"dynamic_shared_memory_type": "sysv"}
    monkeypatch.setattr(server, "SHARED_MEMORY", tmp_path / "none")
    assert server.shared_memory() == {}


@pytest.mark.parametrize("name", ["costs $HOME", "`id`", 'a "b" c', "back\\slash", "$(id) ${x} $1"])
def test_programs_in_a_folder_that_a_shell_reads_otherwise(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """initdb calls them through a shell: for whoever is not root they lie in the checkout, whatever that is called."""
    monkeypatch.delenv("POSTGRES_BIN", raising=False)
    with tempfile.TemporaryDirectory(prefix="slow-checkout-test-") as whole:
        Path(whole).chmod(0o777)
        programs = server.programs(Path(whole) / name, shared=True)
        made = multiprocessing.get_context("fork").Process(target=initialise, args=(programs, Path(whole) / "data"))
        made.start()
        made.join(60)
        assert made.exitcode == 0
        assert (Path(whole) / "data" / "initialised").exists()


def initialise(programs: Path, data: Path) -> None:
    """In a process of its own, which is not root's."""
    if os.geteuid() == 0:
        owner = pwd.getpwnam(user.UNPRIVILEGED_USER)
        os.setgroups([])
        os.setgid(owner.pw_gid)
        os.setuid(owner.pw_uid)
    os.chdir("/")
    server.initialise(programs, data, "secret")
