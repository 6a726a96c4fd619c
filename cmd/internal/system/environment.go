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

// startVariables returns the variables that Go's runtime and package initialisers read before main. What they set (weaker
// TLS, FIPS mode, a core dump that contains secrets) cannot be undone later.
func startVariables() []string {
	return []string{"GODEBUG", "GOTRACEBACK", "GOGC", "GOMEMLIMIT", "GOMAXPROCS"}
}

// Isolate removes every variable from the process's environment that is not documented (rules CLI-2). Otherwise Go's own
// packages would read SSL_CERT_FILE, SSL_CERT_DIR, HTTP_PROXY and others at their first use. If one of startVariables is set,
// the process executes itself again without it and keeps its id and open files. main calls Isolate first.
func Isolate() {
	environ := os.Environ()
	clean := reduced(environ)
	if isSet(environ, startVariables()) {
		// If the program cannot be executed again, the code below still clears the environment.
		if program, err := os.Executable(); err == nil {
			_ = syscall.Exec(program, os.Args, clean)
		}
		_ = syscall.Exec("/proc/self/exe", os.Args, clean) // the file was replaced by a newer one
	}
	os.Clearenv() // also makes the runtime forget GODEBUG
	for _, variable := range clean {
		name, value, _ := strings.Cut(variable, "=")
		_ = os.Setenv(name, value) // cannot fail: it was in the environment
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

// childEnvironment returns the environment of child processes: the usual PATH, root's home, and MGR5_ROOT if it is set. Only
// MGR5_ROOT comes from the environment of this process.
func childEnvironment() []string {
	environ := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
	if root, set := os.LookupEnv("MGR5_ROOT"); set {
		environ = append(environ, "MGR5_ROOT="+root)
	}
	return environ
}
