package system

import (
	"os"
	"slices"
	"strings"
	"syscall"
)

// kept returns the variables that this process keeps of its environment (rules CLI-2): the panel's root, the address of a
// stand-in seller on loopback, and the zone of the log's times.
func kept() []string {
	return append([]string{"MGR5_ROOT", "NAMECHEAP_API_URL", "TZ"}, clockVariables()...)
}

// startVariables are read by Go's runtime and by packages' initialisers before main: what they set (weaker TLS, FIPS mode,
// a core dump with the secrets in it) cannot be taken back later.
func startVariables() []string {
	return []string{"GODEBUG", "GOTRACEBACK", "GOGC", "GOMEMLIMIT", "GOMAXPROCS"}
}

// Isolate takes everything out of the process's environment that nobody documents, before anything looks at it: Go's own
// packages read SSL_CERT_FILE, SSL_CERT_DIR, HTTP_PROXY and others when they are first needed. Where a variable was set
// that Go reads at the start the process starts itself once more without it, with the same id and open files. To be called
// first in main.
func Isolate() {
	environ := os.Environ()
	clean := reduced(environ)
	if isSet(environ, startVariables()) {
		// Where the program cannot be started again, what is below still holds.
		if program, err := os.Executable(); err == nil {
			_ = syscall.Exec(program, os.Args, clean)
		}
		_ = syscall.Exec("/proc/self/exe", os.Args, clean) // the file was replaced by a newer one
	}
	os.Clearenv() // tells the runtime of GODEBUG's end, too
	for _, variable := range clean {
		name, value, _ := strings.Cut(variable, "=")
		_ = os.Setenv(name, value) // it came out of the environment
	}
}

// reduced returns the variables of the environment that are kept.
func reduced(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return !slices.Contains(kept(), name)
	})
}

// isSet reports whether one of the names has a value in the environment.
func isSet(environ, names []string) bool {
	return slices.ContainsFunc(environ, func(variable string) bool {
		name, value, _ := strings.Cut(variable, "=")
		return value != "" && slices.Contains(names, name)
	})
}

// childEnvironment returns what child processes are started with: where the usual programs are, root's home, and the
// panel's root where it is not the usual one. Nothing of it comes from whoever started this process but that root.
func childEnvironment() []string {
	environ := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
	if root, set := os.LookupEnv("MGR5_ROOT"); set {
		environ = append(environ, "MGR5_ROOT="+root)
	}
	return environ
}
