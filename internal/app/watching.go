package app

import (
	"path/filepath"

	"pmssl/internal/watch"
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
