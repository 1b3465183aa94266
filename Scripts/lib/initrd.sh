# Functions to build the initial RAM disk of a small Linux guest. For bash; sourced, not run.
# They need `kernel`, a folder as Scripts/guest-kernel makes them.

# `module_file NAME`: the path of a module; fails if there is none of that name.
module_file() {
    local file
    # A module's name has underscores where its file may have dashes.
    file=$(find "$kernel/modules/kernel" -name "${1//[-_]/[-_]}.ko*" -print -quit)
    [ -n "$file" ] && echo "$file"
}

# `is_built_in NAME`: whether the kernel has it without a module.
is_built_in() {
    grep -q "/${1//[-_]/[-_]}\.ko\$" "$kernel/modules/modules.builtin"
}

# `install_module NAME FOLDER`: puts a module, and first whatever it depends on, into FOLDER/modules, uncompressed, and adds
# its file's name to FOLDER/modules/order. Of what is built in or there already nothing is done.
install_module() {
    local name=${1//-/_} folder=$2 file dependency
    [ ! -e "$folder/modules/$name.ko" ] || return 0
    if ! file=$(module_file "$name"); then
        is_built_in "$name" && return
        echo "initrd: the kernel in $kernel has no module $name" >&2
        return 1
    fi
    mkdir -p "$folder/modules"
    case $file in
    *.xz) xz --decompress --stdout "$file" ;;
    *.zst) zstd --decompress --quiet --stdout "$file" ;;
    *) cat "$file" ;;
    esac >"$folder/modules/$name.ko"
    # The module itself says what it depends on; depmod's tables exist on an installed kernel only.
    for dependency in $(tr '\0' '\n' <"$folder/modules/$name.ko" | sed -n 's/^depends=//p' | tr ',' ' '); do
        install_module "$dependency" "$folder" || return
    done
    # Type information and signature would be checked at each load; on an emulated processor that takes longer than the rest.
    objcopy --strip-unneeded --remove-section=.BTF "$folder/modules/$name.ko"
    echo "$name.ko" >>"$folder/modules/order"
}

# `install_ext4 FOLDER`: ext4, and the checksum that it asks for by name, which is a module up to Linux 6.13.
install_ext4() {
    if module_file crc32c_generic >/dev/null; then install_module crc32c_generic "$1"; fi
    install_module ext4 "$1"
}

# `install_busybox FOLDER`: the static busybox, and the names of its commands in FOLDER/bin.
install_busybox() {
    mkdir -p "$1/bin"
    cp /bin/busybox "$1/bin/busybox"
    local applet
    for applet in $(/bin/busybox --list); do
        [ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"
    done
}

# `pack FOLDER`: writes an archive of it to standard output. Not compressed: these guests run on emulated processors, on
# which copying is cheap and decompressing is not.
pack() {
    (cd "$1" && find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort |
        cpio --create --format=newc --owner=+0:+0 --reproducible --quiet)
}
