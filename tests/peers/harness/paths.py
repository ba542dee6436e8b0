"""Where the programs under test are; the environment overrides each."""

import os
import pathlib
import shutil
import subprocess
import platform

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))

# The directory of one build, or the directory that holds all builds of tools/test.
_given = os.environ.get("WB_BUILD_DIR")
_all = _given and not os.path.exists(os.path.join(_given, "CMakeCache.txt"))
BUILDS = _given if _all else os.path.join(SOURCE, "build")
BUILD = os.path.abspath(os.path.join(BUILDS, "dev") if _all or not _given else _given)
MOCK = os.environ.get("WB_MOCK", os.path.join(BUILD, "wa-mock"))
BRIDGE = os.environ.get("WB_BRIDGE", os.path.join(BUILD, "whatsapp-bridge"))
BACKUP = os.environ.get("WB_BACKUP", os.path.join(BUILD, "bridge-backup"))
PEERS_BUILD = os.path.abspath(os.environ.get("WB_PEERS_BUILD", os.path.join(BUILDS, "peers")))
WHATSMEOW = os.path.join(PEERS_BUILD, "whatsmeow-peer")
WHATSMEOW_V6 = os.path.join(PEERS_BUILD, "whatsmeow-v6-peer")
WHATSAPP_RUST_TARGET = os.path.join(PEERS_BUILD, "whatsapp-rust")
WHATSAPP_RUST = os.path.join(WHATSAPP_RUST_TARGET, "debug", "whatsapp-rust-peer")
WHATSMEOW_NODES = os.path.join(PEERS_BUILD, "whatsmeow-nodecodec")
NODE_PIPE = os.environ.get("WB_NODE_PIPE", os.path.join(BUILD, "tests", "node_pipe"))
PROTO_PIPE = os.environ.get("WB_PROTO_PIPE", os.path.join(BUILD, "tests", "proto_pipe"))
# Node finds packages only beside the script that uses them: scripts and packages lie together
# there.
BAILEYS_SOURCE = os.path.join(SOURCE, "tests", "peers", "baileys")
BAILEYS = os.path.join(PEERS_BUILD, "baileys")

# The folders whose sources become whatsapp-bridge.
PRODUCT = ("base", "proto", "crypto", "store", "bridge", "api")

OLDEST_NODE = 20


def product_sources():
    """The text of each .c file of the bridge."""
    for folder in PRODUCT:
        for path in sorted(pathlib.Path(SOURCE, folder).rglob("*.c")):
            yield path.read_text("utf-8")


def node():
    """A node that Baileys accepts: the system's, else the one that npm installed beside it."""
    system = shutil.which("node")
    if system:
        version = subprocess.run([system, "--version"], capture_output=True, text=True, check=False)
        major = version.stdout.lstrip("v").split(".")[0]
        if major.isdigit() and int(major) >= OLDEST_NODE:
            return system
    arch = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    packaged = os.path.join(BAILEYS, "node_modules", f"node-linux-{arch}", "bin", "node")
    return packaged if os.path.exists(packaged) else None
