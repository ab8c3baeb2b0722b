#!/bin/sh
# ask.sh: one question to an assistant or a model, with curl and jq.
#
#   HEARTH_URL=https://llm.blue.local HEARTH_API_KEY=... HEARTH_CA=ca.pem \
#     examples/ask.sh anythingllm docexplorer "What is the secret of the Club sandwich?"
#
# The first word says whom to ask: gateway (a served model), anythingllm (a workspace, by its slug) or open_webui (an assistant, by its id).
# HEARTH_TIMEOUT: seconds, 900 by default. Exit status: 0 with an answer; 1 without, and the server's words on standard error; 2 where it was called wrongly.
set -eu

if [ $# -ne 3 ]; then
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
target=$1 name=$2 question=$3
: "${HEARTH_URL:?where the service is, for example https://llm.blue.local}"
: "${HEARTH_API_KEY:?the key to show there}"

case $target in
    gateway) path=/v1/chat/completions ;;
    anythingllm) path=/api/v1/workspace/$name/chat ;;
    open_webui) path=/api/chat/completions ;;
    *) echo "ask.sh: whom to ask is gateway, anythingllm or open_webui, not '$target'" >&2; exit 2 ;;
esac

if [ "$target" = anythingllm ]; then
    body=$(jq -n --arg question "$question" '{message: $question, mode: "chat"}')
    answer='if .error then error(.error) else .textResponse end'
else
    body=$(jq -n --arg model "$name" --arg question "$question" '{model: $model, messages: [{role: "user", content: $question}]}')
    answer='.choices[0].message.content'
fi

# The key goes by a file that only curl reads: an argument could be seen by everybody on this machine.
response=$(
    printf 'header = "Authorization: Bearer %s"\n' "$HEARTH_API_KEY" |
        curl --config - ${HEARTH_CA:+--cacert "$HEARTH_CA"} ${HEARTH_CONNECT_TO:+--connect-to "::$HEARTH_CONNECT_TO"} \
            --silent --show-error --fail-with-body --max-time "${HEARTH_TIMEOUT:-900}" --retry 3 --retry-max-time 60 \
            --header 'Content-Type: application/json' --data "$body" "$HEARTH_URL$path"
) || { printf '%s\n' "$response" >&2; exit 1; }
printf '%s' "$response" | jq --raw-output --exit-status "$answer"
