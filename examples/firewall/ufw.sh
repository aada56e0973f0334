#!/bin/sh
# The same as nftables.conf, for machines with ufw.
set -eu
ufw default deny incoming
ufw default allow outgoing
ufw allow 22/tcp comment ssh
ufw allow 80,443/tcp comment 'the gate'
ufw allow 443/udp comment 'the gate, HTTP/3'
ufw --force enable
ufw status verbose
