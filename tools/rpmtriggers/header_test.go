package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func text(tag int32, value string) entry { return entry{tag, typeString, 1, append([]byte(value), 0)} }

// packageWith returns an .rpm with these signatures, tags besides its name, and a payload that nobody reads.
func packageWith(signatures []entry, header ...entry) []byte {
	lead := make([]byte, leadSize)
	copy(lead, []byte{0xed, 0xab, 0xee, 0xdb, 3})
	lead[79] = 5 // the signatures have the form of a header
	main := serialize(append(header, text(1000, "x")), regionImmutable)
	first := serialize(append(signatures, numbers(sigSize, 1), text(sigSHA256, strings.Repeat("0", 64))), regionSignatures)
	first = append(first, make([]byte, (8-len(first)%8)%8)...)
	return append(append(append(lead, first...), main...), "payload"...)
}

// tags returns the headers of a package by tag.
func tags(t *testing.T, raw []byte) (signatures, header map[int32]entry, payload []byte) {
	t.Helper()
	read := func(raw []byte, region int32) (map[int32]entry, int) {
		entries, length, err := parse(raw, region)
		require.NoError(t, err)
		byTag := map[int32]entry{}
		for _, e := range entries {
			byTag[e.tag] = e
		}
		return byTag, length
	}
	signatures, length := read(raw[leadSize:], regionSignatures)
	start := leadSize + (length+7)/8*8
	header, length = read(raw[start:], regionImmutable)
	return signatures, header, raw[start+length:]
}

func TestATriggerIsAddedAndTheRestStays(t *testing.T) {
	in := packageWith(nil, numbers(1006, 7), entry{1030, typeInt16, 1, []byte{1, 2}}, entry{5009, typeInt64, 1, make([]byte, 8)})
	out, err := withTrigger(in, "echo x\n", []string{"/a/", "/b/"})
	require.NoError(t, err)
	before, old, _ := tags(t, in)
	after, header, payload := tags(t, out)
	for tag, e := range old {
		assert.Equal(t, e, header[tag])
	}
	assert.Equal(t, "payload", string(payload))
	assert.Equal(t, texts(triggerScripts, "echo x\n", "echo x\n"), header[triggerScripts])
	assert.Equal(t, texts(triggerNames, "/a/", "/a/", "/b/", "/b/"), header[triggerNames])
	assert.Equal(t, numbers(triggerIndexes, 0, 1, 0, 1), header[triggerIndexes])
	assert.Equal(t, numbers(triggerFlags, senseTriggerIn, senseTriggerPostun, senseTriggerIn, senseTriggerPostun), header[triggerFlags])
	assert.NotEqual(t, before[sigSHA256], after[sigSHA256])
	assert.NotEqual(t, before[sigSize], after[sigSize])

	again, err := withTrigger(in, "echo x\n", []string{"/a/", "/b/"})
	require.NoError(t, err)
	assert.Equal(t, out, again)
	_, err = withTrigger(out, "echo x\n", []string{"/a/"})
	assert.ErrorContains(t, err, "a transaction file trigger already")
}

func TestRpmReadsThePackage(t *testing.T) {
	if _, err := exec.LookPath("rpm"); err != nil {
		t.Skip(err)
	}
	folder := t.TempDir()
	script, name := filepath.Join(folder, "script"), filepath.Join(folder, "x.rpm")
	require.NoError(t, os.WriteFile(script, []byte("echo x\n"), 0o600))
	tags := []entry{text(1001, "1"), text(1002, "1"), text(1021, "linux"), text(1022, "noarch"), text(1044, "x-1-1.src.rpm"), text(1124, "cpio"), text(1125, "gzip")}
	require.NoError(t, os.WriteFile(name, packageWith(nil, tags...), 0o600))
	require.NoError(t, run([]string{"-script", script, "-prefix", "/b/", "-prefix", "/a/", name}))
	out, err := exec.Command("rpm", "-qp", "--nosignature", "--filetriggers", name).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "transfiletriggerin scriptlet (using /bin/sh) -- /a/, /b/\necho x\n")
	assert.Contains(t, string(out), "transfiletriggerpostun scriptlet (using /bin/sh) -- /a/, /b/\necho x\n")
	info, err := os.Stat(name)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o644), info.Mode())
}

func TestWhatCannotGetATriggerIsAnError(t *testing.T) {
	whole := packageWith(nil)
	for name, tc := range map[string]struct {
		raw  []byte
		want string
	}{
		"empty":              {nil, "not an .rpm"},
		"something else":     {bytes.Repeat([]byte{1}, 500), "not an .rpm"},
		"no header":          {whole[:leadSize], "signature header: no header"},
		"half a header":      {whole[:leadSize+40], "signature header: not complete"},
		"no main header":     {whole[:leadSize+200], "header: "},
		"signed":             {packageWith([]entry{{sigRSA, typeBinary, 1, []byte{1}}}), "it is signed"},
		"signed as of old":   {packageWith([]entry{{sigPGP, typeBinary, 1, []byte{1}}}), "it is signed"},
		"a text without end": {packageWith(nil, entry{1001, typeStringArray, 500, []byte{0}}), "no end"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := withTrigger(tc.raw, "echo", []string{"/a/"})
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

func TestTheCommandNeedsScriptPrefixAndPackage(t *testing.T) {
	for _, args := range [][]string{nil, {"x.rpm"}, {"-script", "/dev/null", "x.rpm"}, {"-script", "/dev/null", "-prefix", "/a/"}, {"-prefix", "a", "-script", "/dev/null", "x.rpm"}} {
		assert.Error(t, run(args), "%v", args)
	}
}

// Whatever the file is, the answer is an error or a package with the trigger.
func FuzzWithTrigger(f *testing.F) {
	f.Add(packageWith(nil))
	f.Add(packageWith([]entry{{sigMD5, typeBinary, 16, make([]byte, 16)}}, numbers(1006, 7)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, err := withTrigger(raw, "echo", []string{"/a/"})
		if err != nil {
			return
		}
		if _, err := withTrigger(out, "echo", []string{"/a/"}); err == nil || !strings.Contains(err.Error(), "already") {
			t.Fatalf("the trigger is not there: %v", err)
		}
	})
}
