# Functions to run a script's parts one after the other and to say at the end what failed. For bash; sourced, not run.

failed=()
log=$(mktemp) failures=$(mktemp)
# with-kvm adds a line for each outer machine that hung.
WITH_KVM_HUNG=$(mktemp)
export WITH_KVM_HUNG
trap 'rm -f "$log" "$failures" "$WITH_KVM_HUNG"' EXIT

# Not `wait`: a process that a test left behind would hold the pipe, and the script, open.
wait_for_tee() {
    for _ in {1..50}; do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    echo "== something still holds the output of that step open"
}

# `step NAME COMMAND...`: runs it; a failure is remembered, and makes the script's exit status.
step() {
    local name=$1 start=$SECONDS status=0
    shift
    echo "== $name"
    # Through tee, so that what failed can be said again at the end, where a reader of a long log looks first.
    "$@" > >(tee "$log") 2>&1 || status=$?
    wait_for_tee $!
    echo "== $name: $((SECONDS - start)) s$([ $status = 0 ] || echo ", FAILED with status $status")"
    if [ $status != 0 ]; then
        failed+=("$name")
        grep --text --after-context=4 -E '✘|: error:|Fatal error|Exited with|: BAD$' "$log" | head -n 200 >>"$failures" || true
    fi
    return $status
}

# `repeat_if_hung COMMAND...`: runs it once more if the outer machine in which it ran hung (with-kvm's status 123), since that says
# nothing about what ran there. What failed is never repeated.
repeat_if_hung() {
    local status=0
    "$@" || status=$?
    [ $status = 123 ] || return $status
    echo "== the outer machine hung; in a fresh one: $*"
    "$@"
}

# The last step of a script: its exit status is the script's.
sum_up() {
    [ ! -s "$failures" ] || { echo "== what failed:"; cat "$failures"; }
    [ ! -s "$WITH_KVM_HUNG" ] || echo "== outer machines that hung: $(wc -l <"$WITH_KVM_HUNG")"
    echo "== all: $SECONDS s${failed:+, FAILED: ${failed[*]}}"
    [ ${#failed[@]} = 0 ]
}

build() {
    swift build --build-tests --explicit-target-dependency-import-check error
}

# Outside with-kvm: there the processor is slow, and what is written is lost.
prepare_guests() {
    make --silent -C Tests/BareGuest
    guest=$(Scripts/guest-kernel)
    Scripts/guest-initrd >/dev/null
    # Linux 6.12: from 6.8 on the driver knows shared memory regions.
    newer_guest=$(Scripts/guest-kernel trixie)
    Scripts/guest-initrd -s trixie >/dev/null
}
