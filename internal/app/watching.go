package app

import (
	"path/filepath"

	"pmssl/internal/dnscheck"
	"pmssl/internal/watch"
	"pmssl/internal/watch/crl"
)

// watcher returns the function that makes what looks at sites; nil if the System has no Dial. Nothing is opened before the first
// look.
func (s *invocation) watcher() func(watch.Settings) watch.Service {
	if s.system.Dial == nil {
		return nil
	}
	return func(settings watch.Settings) watch.Service {
		return watch.New(watch.Options{
			Dial: s.system.Dial, Resolver: settings.Resolver, ResolvConf: s.system.ResolvConf, Private: settings.Private,
			State: filepath.Join(s.root, "var", s.program.Name+".watch"),
		})
	}
}

// revocationLists returns the function that opens what asks lists of revoked certificates; nil if the System has no Dial.
func (s *invocation) revocationLists() func(watch.Settings, bool) (crl.Service, error) {
	if s.system.Dial == nil {
		return nil
	}
	return func(settings watch.Settings, readOnly bool) (crl.Service, error) {
		return crl.Open(crl.Options{
			Dial: s.system.Dial, Resolver: dnscheck.New(dnscheck.Options{Server: settings.Resolver, Conf: s.system.ResolvConf, Dial: s.system.Dial}),
			Now: s.system.Now, Private: settings.Private, Folder: filepath.Join(s.root, "var", s.program.Name+".crl"), ReadOnly: readOnly,
		})
	}
}
