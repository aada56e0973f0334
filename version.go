package gatehouse

// Version is the version of the gate.
const Version = "v0.1.0"
