"""Where the programs under test are; the environment overrides each."""

import os
import shutil
import subprocess
import platform

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BUILD = os.environ.get("WB_BUILD_DIR", os.path.join(SOURCE, "build", "dev"))
MOCK = os.environ.get("WB_MOCK", os.path.join(BUILD, "wa-mock"))
BRIDGE = os.environ.get("WB_BRIDGE", os.path.join(BUILD, "whatsapp-bridge"))
BACKUP = os.environ.get("WB_BACKUP", os.path.join(BUILD, "bridge-backup"))
PEERS_BUILD = os.path.join(SOURCE, "build", "peers")
WHATSMEOW = os.path.join(PEERS_BUILD, "whatsmeow-peer")
WHATSMEOW_V6 = os.path.join(PEERS_BUILD, "whatsmeow-v6-peer")
WHATSAPP_RUST_TARGET = os.path.join(PEERS_BUILD, "whatsapp-rust")
WHATSAPP_RUST = os.path.join(WHATSAPP_RUST_TARGET, "debug", "whatsapp-rust-peer")
WHATSMEOW_NODES = os.path.join(PEERS_BUILD, "whatsmeow-nodecodec")
NODE_PIPE = os.environ.get("WB_NODE_PIPE", os.path.join(BUILD, "tests", "node_pipe"))
PROTO_PIPE = os.environ.get("WB_PROTO_PIPE", os.path.join(BUILD, "tests", "proto_pipe"))
BAILEYS = os.path.join(SOURCE, "tests", "peers", "baileys")

OLDEST_NODE = 20


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
