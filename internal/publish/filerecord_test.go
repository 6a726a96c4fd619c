package publish_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
)

func TestAFileForWebServersIsCheckedOnceMore(t *testing.T) {
	good := publish.Record{Type: publish.File, Name: "shop.example", Path: "/.well-known/pki-validation/A_b-1.txt", Value: "a\nb"}
	name, err := good.CheckFile("shop.example")
	require.NoError(t, err)
	assert.Equal(t, "A_b-1.txt", name)
	for says, change := range map[string]func(r *publish.Record){
		`"TXT" is not a file`:                 func(r *publish.Record) { r.Type = publish.TXT },
		`the file is for "www.shop.example"`:  func(r *publish.Record) { r.Name = "www.shop.example" },
		`is not a path for challenges`:        func(r *publish.Record) { r.Path += "/" },
		`"/.well-known/acme-challenge/A.txt"`: func(r *publish.Record) { r.Path = "/.well-known/acme-challenge/A.txt" },
		`is no content for a file challenge`:  func(r *publish.Record) { r.Value = "<?php\x00" },
	} {
		r := good
		change(&r)
		_, err := r.CheckFile("shop.example")
		require.ErrorContains(t, err, says)
	}
	for _, host := range []string{"", "..", "a/b.example", "Shop.example", "shop.example.", "*.shop.example", "shop.example\x00"} {
		r := good
		r.Name = host
		_, err := r.CheckFile(host)
		require.ErrorContains(t, err, "is not a name in lower case", "%q", host)
	}
}
