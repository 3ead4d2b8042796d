# Runs curl samples, one after another, from this one bash; see python_runner.py.

while IFS= read -r folder; do
    (cd "$folder" && set -eu && . ./curl.sh) \
        > "$folder/stdout.txt" 2> "$folder/stderr.txt" < /dev/null
    echo $?
done
