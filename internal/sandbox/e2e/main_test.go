package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"pmssl/internal/sandbox/engine"
	"pmssl/internal/sandbox/panel/root"
)

// programs holds the paths of the binaries and the database server of the panels.
type programs struct {
	bin string // folder of the modules
	// installed is a folder with copies of the programs that panels install as links. A copy of its own for each panel takes a third of the
	// time that a panel takes to make, a key of its own another third.
	installed string
	key       []byte // of all panels
	server    *engine.Server
}

// shippedBinary returns the path of a seller's module as it is shipped.
func (p programs) shippedBinary(seller sellerCase) string { return filepath.Join(p.bin, seller.module) }

// simclockBinary returns the path of the module that is built with the simulated clock.
func (p programs) simclockBinary(seller sellerCase) string {
	return filepath.Join(p.bin, "simclock", seller.module)
}

// mgrctl returns the path of the program that panels install as sbin/mgrctl.
func (p programs) mgrctl() string { return filepath.Join(p.installed, "sandbox-mgrctl") }

// moduleOf returns the path of the module that a seller's panel installs.
func (p programs) moduleOf(seller sellerCase, simulated bool) string {
	if simulated {
		return filepath.Join(p.installed, "simclock", seller.module)
	}
	return filepath.Join(p.installed, seller.module)
}

// install copies the programs into a folder of this process, those that have been built: not every test needs all. clean removes the folder.
func (p *programs) install() (clean func(), err error) {
	if p.installed, err = os.MkdirTemp("", "pmssl-e2e-"); err != nil {
		return func() {}, err
	}
	clean = func() { _ = os.RemoveAll(p.installed) }
	if err := os.Mkdir(filepath.Join(p.installed, "simclock"), 0o755); err != nil {
		return clean, err
	}
	names := []string{"sandbox-mgrctl"}
	for _, seller := range sellerCases() {
		names = append(names, seller.module, "simclock/"+seller.module)
	}
	for _, name := range names {
		if err := root.Install(filepath.Join(p.bin, name), filepath.Join(p.installed, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return clean, err
		}
	}
	p.key, err = root.NewKey(rand.Reader)
	return clean, err
}

// built is set by TestMain before any test runs and never changed after.
var built programs

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	bin, clean, err := buildBinaries()
	defer clean()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	built = programs{bin: bin}
	remove, err := built.install()
	defer remove()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	if built.server, err = startDatabase(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer func() {
		if err := built.server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "e2e: stopping the database:", err)
		}
	}()
	fmt.Printf("e2e: database engine: %s\n", built.server.Kind())
	return m.Run()
}

// buildBinaries returns the folder of the binaries that make has built (PMSSL_BIN). Without PMSSL_BIN it builds them, so that
// a plain `go test` works too.
func buildBinaries() (dir string, clean func(), err error) {
	if dir := os.Getenv("PMSSL_BIN"); dir != "" {
		return dir, func() {}, nil
	}
	dir, err = os.MkdirTemp("", "pmssl-e2e-")
	if err != nil {
		return "", func() {}, err
	}
	clean = func() { _ = os.RemoveAll(dir) }
	type program struct{ module, out, pkg, tags string }
	all := []program{{"..", "sandbox-mgrctl", "./cmd/mgrctl", ""}, {"..", "sandbox-kill", "./cmd/sandbox-kill", ""}}
	for _, seller := range sellerCases() {
		root, pkg := filepath.Join("..", "..", ".."), "./cmd/"+seller.module
		all = append(all, program{root, seller.module, pkg, ""}, program{root, "simclock/" + seller.module, pkg, "pmssl_simclock"})
	}
	for _, one := range all {
		build := exec.Command("go", "build", "-buildvcs=false", "-tags", one.tags, "-o", filepath.Join(dir, one.out), one.pkg)
		build.Dir, build.Env = one.module, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return dir, clean, fmt.Errorf("building %s: %w\n%s", one.pkg, err, out)
		}
	}
	return dir, clean, nil
}

// startDatabase starts the engine that E2E_DB names. If E2E_DB is empty it starts MariaDB if that is installed, else the
// embedded engine.
func startDatabase() (*engine.Server, error) {
	kind := os.Getenv("E2E_DB")
	if kind == "" {
		kind = string(engine.Embedded)
		if _, _, ok := engine.FindMariaDB(); ok {
			kind = string(engine.MariaDB)
		}
	}
	switch engine.Kind(kind) {
	case engine.MariaDB:
		// A second host of a panel connects by TCP. The arguments set defaults on which a module must not depend.
		return engine.StartMariaDB(context.Background(), engine.Options{Addr: "127.0.0.1:0", Args: []string{
			"--autocommit=0", "--default-time-zone=+13:00", "--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT",
		}})
	case engine.Embedded:
		return engine.StartEmbedded(engine.Options{})
	}
	return nil, fmt.Errorf("E2E_DB is %q: mariadb or embedded", kind)
}
