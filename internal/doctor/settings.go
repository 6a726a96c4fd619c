package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/item"
	"pmssl/internal/publish"
	"pmssl/internal/watch"
)

// option is an option of the module or of the panel's database in billmgr.conf.
type option struct {
	name string
	// valid returns why the value cannot be used; nil for names whose values other checks look at.
	valid func(value string, root string) error
}

// options lists the options that the module reads (docs/settings.md).
func options() []option {
	yesNo := oneOf("yes", "no", "on", "off", "true", "false", "1", "0")
	return []option{
		{"DBHost", nil}, {"DBUser", nil}, {"DBPassword", nil}, {"DBName", nil}, {"DBSocket", nil}, {"CryptKey", nil},
		{cabforum.SettingPolicy, validPolicy}, {cabforum.SettingBefore, validBefore},
		{"SSLSubscriptionExpireDate", oneOf("certificate", "term")}, {item.SettingMailFrom, nil},
		{watch.SettingWatch, switched(watch.SettingWatch)}, {watch.SettingPrivate, switched(watch.SettingPrivate)},
		{publish.SettingMode, func(value, _ string) error { _, err := publish.ParseMode(value); return err }},
		{publish.SettingMethod, func(value, _ string) error { _, err := publish.ParseMethod(value); return err }},
		{item.SettingRotateKey, switched(item.SettingRotateKey)},
		{"SSLDatabaseCA", isFile}, {"SSLDatabaseTLSName", nil}, {"SSLDatabaseSingleWriter", yesNo},
		{"SSLSellerCA", isFile}, {"SSLSendmail", isFile},
		{"SSLResolver", func(value, _ string) error { _, _, err := item.ParseResolver(value); return err }},
	}
}

func validPolicy(value, _ string) error {
	_, warnings := cabforum.ParseSettings(value, "")
	return joined(warnings)
}

func validBefore(value, _ string) error {
	_, warnings := cabforum.ParseSettings("", value)
	return joined(warnings)
}

func joined(warnings []string) error {
	if len(warnings) == 0 {
		return nil
	}
	return errors.New(strings.Join(warnings, "; "))
}

func oneOf(words ...string) func(string, string) error {
	return func(value, _ string) error {
		if value == "" || slices.Contains(words, strings.ToLower(strings.TrimSpace(value))) {
			return nil
		}
		return fmt.Errorf("possible are %s", strings.Join(words, ", "))
	}
}

func switched(name string) func(string, string) error {
	return func(value, _ string) error {
		_, err := watch.ParseSwitch(name, value, false)
		return err
	}
}

// isFile reports a path that names no file. Paths are relative to the panel's root.
func isFile(value, root string) error {
	if value == "" {
		return nil
	}
	if !filepath.IsAbs(value) {
		value = filepath.Join(root, value)
	}
	info, err := os.Stat(value)
	if err != nil {
		return fmt.Errorf("%s: %w", value, bare(err))
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", value)
	}
	return nil
}

// checkSettings looks at names and values of the settings files.
func checkSettings(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	lines, warnings, err := p.SettingLines(ctx)
	if err != nil {
		return []Finding{because("see the message; then run doctor again", err)}
	}
	known := options()
	var found []Finding
	for _, text := range warnings {
		found = append(found, warned("put the file back from a backup, or write DBHost, DBUser, DBPassword and DBName into it", "%s", text))
	}
	last := map[string]item.SettingLine{}
	for _, line := range lines {
		if f := misspelt(line, known); f != nil {
			found = append(found, *f)
		}
		last[line.Name] = line
	}
	set := 0
	for _, o := range known {
		line, there := last[o.name]
		if !there {
			continue
		}
		set++
		if o.valid == nil {
			continue
		}
		if err := o.valid(line.Value, x.o.Root); err != nil {
			found = append(found, failed(fmt.Sprintf("correct line %d of %s (docs/settings.md lists the values)", line.Line, line.File),
				"%s:%d: %s %s cannot be used: %v", line.File, line.Line, o.name, strconv.Quote(line.Value), err))
		}
	}
	return append([]Finding{passed("%d lines, %d options that the module reads", len(lines), set)}, found...)
}

// misspelt returns the finding about a line whose name was meant for an option; nil for others. What stands behind "=" is not shown:
// it is a value, of a password for example.
func misspelt(line item.SettingLine, known []option) *Finding {
	name, _, equals := strings.Cut(line.Name, "=")
	near := similar(name, known)
	if equals && slices.ContainsFunc(known, func(o option) bool { return o.name == name }) {
		near = name
	}
	switch {
	case near == "":
		return nil
	case equals:
		f := failed(fmt.Sprintf("write %s VALUE, with a blank and without \"=\", in line %d of %s", near, line.Line, line.File),
			"%s:%d: \"=\" follows the name %q without a blank: the line has no effect", line.File, line.Line, name)
		return &f
	}
	f := failed(fmt.Sprintf("write %s in line %d of %s", near, line.Line, line.File),
		"%s:%d: %q is no option, and is similar to %s: the line has no effect", line.File, line.Line, line.Name, near)
	return &f
}

// similar returns the option that the name was most likely meant for; empty if the name is an option itself, or none is similar:
// equal but for case, "-" and "_", or different in one letter, in up to two if the name has ten or more.
func similar(name string, known []option) string {
	if slices.ContainsFunc(known, func(o option) bool { return o.name == name }) {
		return ""
	}
	plain := func(text string) string { return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(text)) }
	best, least := "", 3
	for _, o := range known {
		limit := 1
		if len(o.name) >= 10 {
			limit = 2
		}
		if d := distance(plain(name), plain(o.name), limit); d <= limit && d < least {
			best, least = o.name, d
		}
	}
	return best
}

// distance returns in how many letters two names differ (Levenshtein); more than limit if in more.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || len(a) > 100 {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			step := before
			if a[i] != b[j] {
				step++
			}
			before = row[j+1]
			row[j+1] = min(step, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
