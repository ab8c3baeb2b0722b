#!/bin/sh
# Behaves like the entry point of the published haproxy image: arguments alone are HAProxy's, and HAProxy runs as a
# master with workers in the foreground, so that SIGUSR2 reloads it.
set -e
case "$1" in
    -*) set -- haproxy "$@" ;;
esac
if [ "$1" = haproxy ]; then
    shift
    set -- haproxy -W -db "$@"
fi
exec "$@"
