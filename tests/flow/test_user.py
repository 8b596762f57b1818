# SPDX-License-Identifier: Apache-2.0
"""Started as root with a user to switch to: everything is that user's, and nothing but the parents runs as root."""

import os
import pwd
import stat
import subprocess
import tempfile

import pytest

from world import World, alive, free_ports, program, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

USER = pwd.getpwnam("daemon")
STRANGER = pwd.getpwnam("bin")


class UserWorld(World):
    def conf(self, role, text, log):
        super().conf(role, text + f"[process]\nuser={USER.pw_name}\n", log)


@pytest.fixture(scope="module")
def world():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        w = UserWorld(folder)
        try:
            yield w.setup()
        finally:
            w.close()


def uids(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        for line in f:
            if line.startswith("Uid:"):
                return {int(n) for n in line.split()[1:]}
    return set()


def below(folder):
    for top, dirs, files in os.walk(folder):
        for name in dirs + files:
            yield os.path.join(top, name)


def as_user(user, *command):
    return ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups", *command]


def ask(world, role, user):
    command = [program("chancery"), *{"ca": ["template", "list"], "service": ["service", "show"],
                                      "connector": ["connector", "show"]}[role], "--socket", world.socket_of(role)]
    return subprocess.run(as_user(user, *command), check=False, capture_output=True).returncode


def reaches(path, user):
    """Does who connects as this user get an answer, or the door?"""
    script = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.settimeout(10)\ns.connect(sys.argv[1])\n"
              "try:\n s.sendall(bytes.fromhex('00000008000100630000000700')[:12])\n"
              " sys.exit(0 if s.recv(1) else 9)\nexcept OSError:\n sys.exit(9)\n")
    return subprocess.run(as_user(user, "/usr/bin/python3", "-c", script, path), check=False,
                          capture_output=True).returncode


def test_the_main_job_runs_and_no_process_of_a_role_runs_as_root(world):
    user = world.add_user("own@contoso.example", "own@contoso.example")
    group = world.add_group("Own", user)
    root = world.add_root()
    pkcs = world.add_pkcs(root)
    world.assign(root, group)
    world.assign(pkcs, group)
    agent = world.device("own", user)
    world.wait_slot(agent, pkcs)
    for role in world.ROLES:
        pids = world.pids(role)
        assert len(pids) == 2
        for name, pid in pids.items():
            assert uids(pid) == {USER.pw_uid}, (role, name)


@pytest.mark.parametrize("role", World.ROLES)
def test_what_a_role_keeps_belongs_to_its_user(world, role):
    for kind in ("run", "state"):
        folder = os.path.join(world.dir, role, kind)
        found = list(below(folder))
        assert found
        for path in [folder, *found]:
            st = os.lstat(path)
            assert (st.st_uid, st.st_gid) == (USER.pw_uid, USER.pw_gid), path
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert os.path.join(world.dir, role, "run", f"{role}.pid") in below(os.path.join(world.dir, role, "run"))


@pytest.mark.parametrize("role", World.ROLES)
def test_a_socket_is_reached_by_root_and_the_user_only(world, role):
    assert stat.S_IMODE(os.stat(world.socket_of(role)).st_mode) == 0o600
    assert world.admin(role, f"{role}.show") is not None
    assert ask(world, role, USER) == 0
    assert ask(world, role, STRANGER) == 3


def test_a_process_that_died_and_one_after_a_hangup_are_the_users_too(world):
    before = world.pids("service")
    world.kill("service", "front")
    wait_for(lambda: world.pids("service").get("front") not in (None, before["front"]))
    wait_for(lambda: world.admin("service", "service.show")["joined"])
    os.kill(world.pid("service", "parent"), 1)
    wait_for(lambda: not alive(before["keys"]))
    wait_for(lambda: len(world.pids("service")) == 2)
    wait_for(lambda: world.admin("service", "service.show")["joined"])
    for pid in world.pids("service").values():
        wait_for(lambda p=pid: uids(p) == {USER.pw_uid})


def ca_conf(folder, user):
    https, http = free_ports(2)
    conf = os.path.join(folder, "ca.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write(f"""[files]
run_dir={folder}/run
state_dir={folder}/state
[ca]
listen=127.0.0.1:{https}
url=https://localhost:{https}
listen_http=127.0.0.1:{http}
[process]
user={user}
""")
    return conf


@pytest.mark.parametrize("starter", ["root, which has a network namespace made", "the user, as the units do"])
def test_who_got_past_the_modes_of_folder_and_socket_is_still_asked_who_it_is(starter):
    as_root = starter.startswith("root")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        conf = ca_conf(folder, USER.pw_name if as_root else "")
        os.chmod(folder, 0o755)
        if not as_root:
            os.chown(folder, USER.pw_uid, USER.pw_gid)
        command = [program("chanceryd"), "ca", "--config", conf]
        sockets = [f"{folder}/run/{name}.sock" for name in ("admin", "issuer")]
        with subprocess.Popen(command if as_root else as_user(USER, *command), stderr=subprocess.DEVNULL) as ca:
            try:
                wait_for(lambda: os.path.exists(sockets[0]) and reaches(sockets[0], USER) == 0)
                os.chmod(f"{folder}/run", 0o755)
                for path in sockets:
                    os.chmod(path, 0o666)
                    assert reaches(path, pwd.getpwnam("root")) == 0
                    assert reaches(path, USER) == 0
                    assert reaches(path, STRANGER) == 9
                    assert reaches(path, pwd.getpwnam("nobody")) == 9
            finally:
                ca.terminate()


def refused(folder, user):
    done = subprocess.run([program("chanceryd"), "ca", "--config", ca_conf(folder, user)], check=False,
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 2, done.stderr
    return done.stderr


def test_a_folder_that_is_not_the_users_is_refused_with_what_to_do():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        os.makedirs(f"{folder}/state/keys", mode=0o700)
        assert f"chown -R {USER.pw_name} {folder}/state" in refused(folder, USER.pw_name)
        assert os.stat(f"{folder}/state").st_uid == 0
        os.chown(f"{folder}/state", STRANGER.pw_uid, 0)
        assert f"belongs to user number {STRANGER.pw_uid}" in refused(folder, USER.pw_name)
        assert "there is no user no-such-user" in refused(folder, "no-such-user")


def test_a_folder_that_the_user_cannot_reach_is_refused():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # mode 0700, of root
        assert f"{USER.pw_name} cannot work in {folder}/run" in refused(folder, USER.pw_name)
