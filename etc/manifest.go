// Package etc holds the files that an installation places below the panel's folder etc.
package etc

import "embed"

// manifests are the modules' manifests, so that doctor can tell whether the installed one is of this version.
//
//go:embed xml/*.xml
var manifests embed.FS

// Manifest returns the manifest of the module; nil if there is none.
func Manifest(module string) []byte {
	text, err := manifests.ReadFile("xml/billmgr_mod_" + module + ".xml")
	if err != nil {
		return nil
	}
	return text
}
