# Read by tools/test-release and tools/test-arm64 (source). mirror: the archive that a chroot is
# made from, WB_DEBIAN_MIRROR or else the archive that this machine installs from.
mirror() {
    if [[ -n ${WB_DEBIAN_MIRROR:-} ]]; then
        echo "$WB_DEBIAN_MIRROR"
    else
        apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1
    fi
}
