# What the shell blocks of a page are run with: bash stops at the first command that fails, and tells where. LINENO is
# the line of the page, because as many empty lines stand before a block.
set -eE
trap 'code=$?; printf "%s\n%s\n" "$LINENO" "exit code $code" >"$E2M_DOCS_FAILED"' ERR
trap 'pwd >"$E2M_DOCS_PLACE"' EXIT

# A server does not end: it has to print its address and to answer with its page, and is then stopped as by Ctrl-C.
serve() {
    local said=$E2M_DOCS_FAILED.serve silent=--no-browser address port status
    case " $* " in *" --no-browser "*) silent= ;; esac
    : >"$said"
    command e2m "$@" $silent >"$said" 2>&1 &
    local server=$!
    for _ in $(seq 200); do
        grep -q 'http://' "$said" && break
        sleep 0.1
    done
    address=$(grep -o 'http://[^ ]*token=[^ ]*' "$said" | head -n 1)
    port=${address#http://*:}
    port=${port%%/*}
    if [ -n "$address" ] && exec 3<>"/dev/tcp/127.0.0.1/$port"; then
        printf 'GET /%s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "${address#http://*/}" "$port" >&3
        read -r status <&3
        exec 3>&-
    fi
    kill -TERM "$server"
    wait "$server" || true
    cat "$said"
    echo "the server answered: $status"
    case $status in *" 200 "* | *" 303 "*) return 0 ;; esac
    return 1
}

e2m() {
    if [ "$1" = serve ]; then
        serve "$@" || return
    else
        command e2m "$@" || return
    fi
}
