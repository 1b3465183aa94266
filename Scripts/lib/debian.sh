# Functions to fetch packages of any Debian suite and unpack them without installing them. For bash; sourced, not run.
# They need `cache`, the folder to keep things in. Neither apt's package lists nor its sources on this machine are changed or used,
# but the mirror is the one that this machine's apt has.

# `prepare_apt SUITE`: an apt of its own for `private_apt`, with that suite and, for one of backports, the suite that it is for.
prepare_apt() {
    local suite=$1 base=${1%-backports} uri
    # shellcheck disable=SC2016 # apt's own variable
    uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
    [ -n "$uri" ] || {
        echo "apt on this machine has no archive to fetch from; see /etc/apt" >&2
        return 1
    }
    apt=$cache/apt/$suite
    mkdir -p "$apt"/{state,lists/partial,cache/archives/partial}
    : >"$apt/status"
    local options="[arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    echo "deb $options $uri $base main" >"$apt/sources.list"
    [ "$base" = "$suite" ] || echo "deb $options $uri $suite main" >>"$apt/sources.list"
    private_apt apt-get update || {
        echo "cannot read the package lists of $suite" >&2
        return 1
    }
}

# `private_apt TOOL ARGUMENT...`: apt-get or apt-cache with the state that `prepare_apt` made.
private_apt() {
    local tool=$1
    shift
    "$tool" -qq \
        -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
        -o Dir::State="$apt/state" -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status" \
        -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}

# A suite's name, and nothing that could be an option or a path.
is_suite_name() {
    case $1 in
    *[!a-z0-9-]* | -* | '') return 1 ;;
    esac
}
