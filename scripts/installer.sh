# shellcheck shell=sh
# Read by setup and lock: makes $tools, a venv with pip and uv that lasts as long as the script.
# uv takes seconds where pip takes a minute; if it cannot be had or fails, pip does the work.
python=${PYTHON:-python3}
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
trap 'exit 1' HUP INT TERM
"$python" -m venv "$tools"
pip() { "$tools/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
if pip install --no-compile --require-hashes -r requirements-uv.txt; then
    uv() { "$tools/bin/uv" --quiet "$@"; }
else
    echo "uv is not available; pip does its work, slower." >&2
    uv() { false; }
fi

# uv does not read pip's configuration, so it gets the addresses and certificates that pip has.
export UV_INDEX_STRATEGY=unsafe-best-match # as pip searches its indexes; the hashes make it safe
options=$(pip config list | sed -e 's/\\n/ /g' -e '/find-links=/s/ /,/g')
for section in global install :env:; do # the last one wins, as in pip
    eval "$(printf '%s\n' "$options" | sed -n \
        -e "s/^$section\.index-url='/export UV_DEFAULT_INDEX='/p" \
        -e "s/^$section\.extra-index-url='/export UV_INDEX='/p" \
        -e "s/^$section\.find-links='/export UV_FIND_LINKS='/p" \
        -e "s/^$section\.cert='/export SSL_CERT_FILE='/p")"
done

install_into() {
    venv=$1 && shift
    uv pip install --python "$venv" "$@" || pip --python "$venv" install --no-compile "$@"
}
