#!/bin/sh
# Prints the manifest for krew of one archive: fill.sh VERSION URL ARCHIVE
set -eu
if [ $# -ne 3 ]; then
    echo "usage: fill.sh VERSION URL ARCHIVE" >&2
    exit 2
fi
version=${1#v} url=$2 archive=$3
case $url in
https://*) ;;
*)
    echo "fill.sh: '$url' is no https address; krew takes no other" >&2
    exit 2
    ;;
esac
if ! [ -f "$archive" ]; then
    echo "fill.sh: there is no archive $archive" >&2
    exit 1
fi
sum=$(sha256sum "$archive" | cut -d ' ' -f 1)
# As text of sed: & and the separator would mean something.
safe=$(printf '%s' "$url" | sed 's/[&|\\]/\\&/g')
case $archive in
*aarch64*) arch=arm64 ;;
*) arch=amd64 ;;
esac
sed -e '/^#/d' -e "s|VERSION|v$version|" -e "s|URL|$safe|" -e "s|SHA256|$sum|" -e "s|ARCH|$arch|" "$(dirname "$0")/sp1top.yaml"
