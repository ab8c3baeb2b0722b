#!/bin/sh
# ask.sh: one question to an assistant or a model, with curl and jq.
#
#   HEARTH_URL=https://llm.blue.local HEARTH_API_KEY=... HEARTH_CA=ca.pem \
#     examples/ask.sh anythingllm docexplorer "What is the secret of the Club sandwich?"
#
# The first word says whom to ask: gateway (a served model), anythingllm (a workspace, by its slug) or open_webui (an assistant, by its id).
# Where the command does not say them, HEARTH_NAME is whom to ask, and HEARTH_QUESTION what. HEARTH_TIMEOUT: seconds for an answer, 900 by default.
# HEARTH_ATTEMPTS: how often to ask, 3 by default: also where nobody answers yet. What was written for AnythingLLM's API goes on working:
# ANYTHING_LLM_BASE_URL, _API_KEY, _TEST_WORKSPACE, _TEST_PROMPT and _REQUEST_TIMEOUT say the same.
# Exit status: 0 with an answer; 1 without, and the server's words on standard error; 2 where it was called wrongly.
set -eu

target=${1-} name=${2:-${HEARTH_NAME:-${ANYTHING_LLM_TEST_WORKSPACE-}}} question=${3:-${HEARTH_QUESTION:-${ANYTHING_LLM_TEST_PROMPT-}}}
if [ $# -gt 3 ] || [ -z "$target" ] || [ -z "$name" ] || [ -z "$question" ]; then
    sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
url=${HEARTH_URL:-${ANYTHING_LLM_BASE_URL-}} key=${HEARTH_API_KEY:-${ANYTHING_LLM_API_KEY-}}
attempts=${HEARTH_ATTEMPTS:-3}
: "${url:?HEARTH_URL is not set: where the service is, for example https://llm.blue.local}"
: "${key:?HEARTH_API_KEY is not set: the key to show there}"
# It becomes a line of curl's configuration, where a line end or a quote would begin something else.
case $key in *[!!-~]* | *[\"\\]*) echo "ask.sh: the key holds a blank, a quote or a line end: write it without" >&2; exit 2 ;; esac
case $attempts in '' | *[!0-9]* | 0*) echo "ask.sh: HEARTH_ATTEMPTS is '$attempts': write a number from 1" >&2; exit 2 ;; esac

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
    printf 'header = "Authorization: Bearer %s"\n' "$key" |
        curl --config - ${HEARTH_CA:+--cacert "$HEARTH_CA"} ${HEARTH_CONNECT_TO:+--connect-to "::$HEARTH_CONNECT_TO"} \
            --silent --show-error --fail-with-body --max-time "${HEARTH_TIMEOUT:-${ANYTHING_LLM_REQUEST_TIMEOUT:-900}}" \
            --retry $((attempts - 1)) --retry-connrefused --retry-max-time 60 \
            --header 'Content-Type: application/json' --data "$body" "${url%/}$path"
) || { printf '%s\n' "$response" >&2; exit 1; }
printf '%s' "$response" | jq --raw-output --exit-status "$answer"
