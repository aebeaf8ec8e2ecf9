#!/bin/sh
# Installs what the tests of the command look at its files with: Debian's tshark. Says nothing and does nothing where it is there.
set -eu
command -v tshark >/dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends tshark >/dev/null
