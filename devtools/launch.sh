# Finds a Python and hands over to devtools/bootstrap.py: sh devtools/launch.sh COMMAND [ARGUMENT]...

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1

# Relative paths are relative to the caller's folder, which the cd below leaves.
for name in DATA_DIR CATALOGUE; do
    eval "value=\${$name:-}"
    case $value in
        '' | /*) ;;
        *) export "$name=$PWD/$value" ;;
    esac
done
cd "$root" || exit 1

# A Python may be a broken shim, too old, or without venv (a separate package on Debian): try each.
probe='
import sys
if sys.version_info < (3, 11):
    sys.exit(1)
try:
    import ensurepip, ssl, venv
except ImportError:
    sys.exit(3)
'
without_venv=
for python in .venv/bin/python python3.13 python3.12 python3.11 python3; do
    command -v "$python" > /dev/null 2>&1 || continue
    "$python" -c "$probe" > /dev/null 2>&1
    case $? in
        0) exec "$python" -m devtools.bootstrap "$@" ;;
        3) without_venv=$python ;;
    esac
done

if [ -n "$without_venv" ]; then
    echo "$without_venv lacks the modules venv and ensurepip: install them (Debian, Ubuntu: apt-get install python3-venv) and start again." >&2
else
    echo "Caicaini needs Python 3.11 or newer, and there is none on the PATH: install it and start again." >&2
fi
exit 1
