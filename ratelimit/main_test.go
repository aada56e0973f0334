package ratelimit_test

import _ "github.com/mholt/caddy-ratelimit"
