package command_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
)

func TestNoticesSaysWhatItDidWithEachFile(t *testing.T) {
	run := &item.Run{Args: item.Args{Command: "notices", Dir: "/srv/x"}, Format: item.FormatText, Notices: func(folder string) ([]item.WrittenFile, error) {
		assert.Equal(t, "/srv/x", folder)
		return []item.WrittenFile{{Name: "prove.en.txt", Result: "kept"}, {Name: "README.md", Result: "written"}}, nil
	}}
	doc, err := command.Notices(context.Background(), run)
	require.NoError(t, err)
	require.Nil(t, doc)
	assert.Equal(t, "prove.en.txt  kept\nREADME.md     written\n"+
		"in /srv/x; the modules use files in etc/pmssl/templates of the panel that were edited, README.md has their fields\n", run.Print)
	run.Format = item.FormatXML
	doc, err = command.Notices(context.Background(), run)
	require.NoError(t, err)
	assert.Equal(t, `<doc><notices dir="/srv/x"><file name="prove.en.txt" result="kept"/><file name="README.md" result="written"/></notices></doc>`, output(t, doc))

	run.Notices = func(string) ([]item.WrittenFile, error) { return nil, errors.New("permission denied") }
	_, err = command.Notices(context.Background(), run)
	assert.Equal(t, fault.Missed, faultType(t, err))
	assert.ErrorContains(t, err, "the mail templates cannot be written to /srv/x: permission denied")
}
