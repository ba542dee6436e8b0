# Read by tools/run, tools/test and tools/check-tidy (source): where builds go. WB_BUILD_DIR names a
# directory instead of build/ in the source tree; the tree is then only read. Builds are
# WB_BUILD_DIR/release, /dev and so on.
builds=${WB_BUILD_DIR:-$root/build}
[[ $builds == /* ]] || builds=$PWD/$builds
if ! mkdir -p "$builds" 2>/dev/null || [[ ! -w $builds ]]; then
    echo "$(basename "$0"): $builds cannot be written: name a directory for the builds with WB_BUILD_DIR=DIR" >&2
    exit 1
fi
