package provider

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// timer is the unit of the hourly sweep, below the product's folder etc/systemd.
const timer = "pmssl-subscription@.timer"

// host returns the folder that stands for the root directory of the host in what the modules' doctor examines.
func (p *Provider) host() string { return filepath.Join(p.dir, "host") }

// installHost puts in place what an administrator does beside the modules: their manifests and the enabled timer. The panel's own
// program, which says its version, and the CA certificates of the host are there too.
func (p *Provider) installHost() error {
	units := filepath.Join(p.host(), "etc", "systemd", "system")
	text, err := os.ReadFile(filepath.Join(p.options.Etc, "systemd", timer))
	if err != nil {
		return err
	}
	all := []error{
		writeNew(filepath.Join(units, timer), []byte(strings.ReplaceAll(string(text), "/usr/local/mgr5", p.Panel.Root())), 0o644),
		writeNew(filepath.Join(p.Panel.Root(), "bin", "core"), []byte("#!/bin/sh\n[ \"$*\" = 'billmgr -V' ] && echo 6.116.0\n"), 0o755),
		writeNew(filepath.Join(p.host(), "etc", "ssl", "certs", "ca-certificates.crt"), p.Root(), 0o644),
	}
	wants := filepath.Join(units, "timers.target.wants")
	all = append(all, os.MkdirAll(wants, 0o755))
	for _, s := range p.Sellers {
		manifest := "billmgr_mod_" + s.Module() + ".xml"
		text, err := os.ReadFile(filepath.Join(p.options.Etc, "xml", manifest))
		all = append(all, err, writeNew(p.etc("xml", manifest), text, 0o644),
			os.Symlink("/etc/systemd/system/"+timer, filepath.Join(wants, strings.Replace(timer, "@", "@"+s.Module(), 1))))
	}
	return errors.Join(all...)
}

// writeNew writes a file and makes the folders above it.
func writeNew(path string, content []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, mode)
}
