package module

import (
	"pmssl/internal/command"
	"pmssl/internal/resolver"
)

// resolvers is how commands come to a resolver; nil in a world without connections. Nothing is opened before the first look-up.
func resolvers(w World) func(server string) command.Resolver {
	if w.Dial == nil {
		return nil
	}
	return func(server string) command.Resolver {
		return resolver.New(resolver.Options{Server: server, Conf: w.ResolvConf, Dial: w.Dial})
	}
}
