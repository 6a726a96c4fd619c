package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/terminal"
	"pmssl/internal/xmldoc"
)

// Notices writes the built-in mail templates into the folder of --dir, for an administrator to edit (rules SWEEP-8). A file that
// somebody edited stays as it is.
func Notices(_ context.Context, run *item.Run) (*etree.Document, error) {
	files, err := run.Notices(run.Args.Dir)
	if err != nil {
		return nil, fault.Errorf(fault.Missed, "dir", "the mail templates cannot be written to %s: %w; %d files are there; name another folder, or make the one above it",
			item.DisplayLine(run.Args.Dir, maxFinding), err, len(files))
	}
	if run.TextOutput() {
		run.Print = noticesText(run, files)
		return nil, nil
	}
	doc := xmldoc.New()
	node := doc.Root().CreateElement("notices")
	node.CreateAttr("dir", run.Args.Dir)
	for _, file := range files {
		xmldoc.SetAttributes(node.CreateElement("file"), "name", file.Name, "result", file.Result)
	}
	return doc, nil
}

func noticesText(run *item.Run, files []item.WrittenFile) string {
	var b strings.Builder
	var rows [][]terminal.Cell
	for _, file := range files {
		rows = append(rows, []terminal.Cell{terminal.Text(file.Name), terminal.Text(file.Result)})
	}
	b.WriteString(terminal.Table{Columns: make([]terminal.Column, 2), Styles: run.Styles}.Render(rows))
	fmt.Fprintf(&b, "in %s; the modules use files in etc/pmssl/templates of the panel that were edited, README.md has their fields\n",
		item.DisplayLine(run.Args.Dir, maxFinding))
	return b.String()
}
