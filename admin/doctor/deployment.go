package doctor

import "time"

// Deployment is what was observed of a deployment. What could not be observed
// is absent, and each check says so.
type Deployment struct {
	Now     time.Time
	Sites   []Site
	Keys    []Key
	KeyFile *KeyFile
	// EnvFiles are the files from which the gate reads variables.
	EnvFiles []File
	// Environment is what the backend runs with.
	Environment Environment
	Backends    []Backend
	Admin       Admin
	Logs        []Log
	Backup      *Backup
}

// Site is one site of the gate, as it was configured and as it answers.
type Site struct {
	// Name is how reports call it: a host, or what it listens on.
	Name string
	// Exposed says that others than this machine can reach it.
	Exposed bool
	TLS     bool
	// Guarded says that agent_auth stands in it.
	Guarded     bool
	Anonymous   []string
	Origins     []string
	Credentials bool
	UI          bool
	Limits      []Limit
	MaxBody     int64
	Upstreams   []Upstream

	// Unreachable is why no request could be sent; all that follows is absent then.
	Unreachable string
	Handshake   *Handshake
	// Plain is what the same host answered over http; nil: nothing listens.
	Plain *Answer
	// Refused is how a request without a key is answered.
	Refused *Answer
	// Stranger is how the page of an origin is answered that nobody has named.
	Stranger *Answer
	// Page is how a browser is answered that asks for /.
	Page *Answer
	// Open are the requests without a key that were not refused.
	Open []Answer
	// Believed are addresses that requests made up and the gate took for theirs.
	Believed []Believed
	// TrustsAll says that trusted_proxies covers the whole world.
	TrustsAll bool
	// Lenient says that proxies are trusted and trusted_proxies_strict is missing.
	Lenient bool
}

// Answer is how a request was answered.
type Answer struct {
	Method, Path string
	Status       int
	Header       map[string]string // by canonical name
	// HTML says that it is a page.
	HTML bool
}

// Believed is an address that a request made up.
type Believed struct {
	// Header is the header in which it stood.
	Header string
	// From is the address that the request really came from.
	From string
	// First says that it was the first of a list, which any client can write,
	// and not the last, which the proxy itself adds.
	First bool
}

// Handshake is what a TLS handshake has shown.
type Handshake struct {
	// Error is why there was none.
	Error                string
	Issuer               string
	NotBefore, NotAfter  time.Time
	Untrusted            string // why clients do not believe it
	SpeaksOld            bool   // TLS 1.1 or 1.0
	IssuedByGateItself   bool   // by Caddy's own authority
	NamesOnlyThisMachine bool   // localhost and the like
}

// Limit is a limit of a tier.
type Limit struct {
	Tier     string
	Requests int
	Window   time.Duration
	Shadow   bool
}

// Upstream is a way from a site to a backend.
type Upstream struct {
	Address string
	Guarded bool
	TLS     bool
	// Kind is the kind of backend; empty: not known.
	Kind   string
	Spread []Share
}

// Share is how many requests of some paths a source address carries in 15 minutes.
type Share struct {
	Requests int
	Paths    []string
}

// Key is a key, or one of the secrets of a key.
type Key struct {
	ID string
	// Place is where it is written: a site, or the key file.
	Place string
	// Variable is the environment variable that it is read from, if it is.
	Variable string
	// File is the env file that the variable is from, if it is from one.
	File File
	// Unasked are its scopes that no rule asks for, each with what was probably
	// meant.
	Unasked []string
	// Bits is how much chance is in it; 0: not known.
	Bits int
	// Created is when it was made; zero: not known.
	Created time.Time
	// Rotate is whether `gatehouse key` can give it a new secret.
	Rotate bool
	// IsBackends says that the clients' key is the backend's own.
	IsBackends bool
}

// KeyFile is the key file.
type KeyFile struct {
	Path string
	// Problem is why it cannot be used as it is now.
	Problem string
	// Loose says what is wrong with its mode.
	Loose string
}

// File is a file, and when it was written last.
type File struct {
	Path    string
	Changed time.Time
}

// Environment is what is known of the backend's environment.
type Environment struct {
	// Source is where it was looked up; empty: nowhere.
	Source string
	Values map[string]string
}

// Backend is a backend of this machine, or elsewhere.
type Backend struct {
	// Address is that of the upstream.
	Address string
	// Local says that it is on this machine, in the same network namespace.
	Local bool
	// Private says that its address is of no network that strangers are in.
	Private bool
	TLS     bool
	// Listens are the addresses that something listens on at its port; nil
	// where that cannot be seen.
	Listens []string
	// Outward are the addresses of this machine, beside loopback, at which it
	// accepted a connection.
	Outward []string
	// Asked are the outward addresses that were tried.
	Asked int
	// Keyless is how it answered a request without a key on loopback; nil: not at all.
	Keyless *Answer
}

// Admin is the admin endpoint.
type Admin struct {
	// Address is where it listens.
	Address string
	Unix    bool
	// Mode is the socket's; an abstract one has none.
	Mode     uint32
	Abstract bool
	// Answered are TCP addresses of this machine at which an admin endpoint of
	// Caddy's answered.
	Answered []string
	// Remote is where other machines reach it; empty: nowhere.
	Remote string
}

// Log is a log that takes security events.
type Log struct {
	Name   string
	Output string // "stderr", "file /var/log/...", "net ..."
	// Own says that nothing else is written to it but by name.
	Own bool
	// Discards says that nobody can read it.
	Discards bool
	// Level is the least level that it takes.
	Level string
	// File is its path, if it is one.
	File string
	// Unseen is why the file could not be looked at.
	Unseen string
	// Grew says that the file grew when a request was refused.
	Grew bool
}

// Backup is the newest backup.
type Backup struct {
	// Where it was looked for.
	Where string
	// Problem is why there is none.
	Problem string
	Path    string
	Changed time.Time
	Size    int64
	// Encrypted says that it cannot be read without a key.
	Encrypted bool
	// Readable says that others than its owner can read the file.
	Readable bool
	// Names are the files in it; nil where it is no archive that can be read.
	Names []string
}
