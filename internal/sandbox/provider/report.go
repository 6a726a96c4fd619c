package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"pmssl/internal/sandbox/panel"
)

// Report is what a module's command status says about its items.
type Report struct {
	Binary   string         `json:"binary"`
	Count    int            `json:"count"`
	States   map[string]int `json:"states"`
	WaitsFor map[string]int `json:"waits_for"`
	Items    []ItemReport   `json:"items"`
}

// ItemReport is what status says about one item. Dates are YYYY-MM-DD or RFC 3339; what is not known is empty.
type ItemReport struct {
	Item      int64   `json:"item"`
	Domain    string  `json:"domain"`
	Product   string  `json:"product"`
	State     string  `json:"state"`
	Severity  string  `json:"severity"`
	WaitsFor  string  `json:"waits_for"`
	Begins    string  `json:"begins"`
	Ends      string  `json:"ends"`
	Serial    string  `json:"serial"`
	TermStart string  `json:"term_start"`
	PaidUntil string  `json:"paid_until"`
	Lineage   []int64 `json:"lineage"`
	Site      string  `json:"site"`
	Action    string  `json:"action"`
	ActionDay string  `json:"action_day"`
	Reason    string  `json:"reason"`
	Error     string  `json:"error"`
}

// Status returns what the command status of a module reports.
func (p *Provider) Status(ctx context.Context, module string) (Report, error) {
	var r Report
	run, err := p.command(ctx, module, "status", "--format", "json")
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(run.Stdout), &r); err != nil {
		return r, fmt.Errorf("status of %s: %w", module, err)
	}
	return r, nil
}

// StatusPage returns the page that the command status of a module makes.
func (p *Provider) StatusPage(ctx context.Context, module string) (string, error) {
	run, err := p.command(ctx, module, "status", "--format", "html")
	if err != nil {
		return "", err
	}
	return run.Stdout, nil
}

// Plan returns the term of an item on paper: as a picture (svg) or as text.
func (p *Provider) Plan(ctx context.Context, item int64, format string) (string, error) {
	module, err := p.Panel.ItemModule(ctx, item)
	if err != nil {
		return "", err
	}
	run, err := p.command(ctx, module, "plan", "--item", strconv.FormatInt(item, 10), "--format", format)
	if err != nil {
		return "", err
	}
	return run.Stdout, nil
}

// Doctor returns the text of the command doctor of a module. A check that fails is part of it.
func (p *Provider) Doctor(ctx context.Context, module string) (string, error) {
	run, err := p.Panel.Start(ctx, module, nil, "--command", "doctor", "--format", "text")
	if err != nil {
		return "", err
	}
	return run.Stdout, nil
}

// command runs a command of a module that must succeed.
func (p *Provider) command(ctx context.Context, module, name string, args ...string) (*panel.Run, error) {
	run, err := p.Panel.Start(ctx, module, nil, append([]string{"--command", name}, args...)...)
	if err != nil {
		return nil, err
	}
	if !run.OK() {
		return nil, fmt.Errorf("%s of %s: %s", name, module, run.Failure())
	}
	return run, nil
}

// LogLine is an entry of a module's log.
type LogLine struct {
	Time      string // as the log has it, without the year
	Component string
	Level     string // ERROR, WARNING, INFO and others
	Text      string // without colours; it may have several lines
}

// maxLog is how much of the end of a log is read, in bytes.
const maxLog = 1 << 20

// LogTail returns the last entries of a module's log that keep accepts, oldest first, n at most. It is safe for concurrent use.
func (p *Provider) LogTail(module string, n int, keep func(LogLine) bool) ([]LogLine, error) {
	if _, err := p.Seller(module); err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(p.Panel.Root(), "var", module+".log"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(max(0, size-maxLog), io.SeekStart); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	var kept []LogLine
	for _, line := range parseLog(string(raw)) {
		if keep(line) {
			kept = append(kept, line)
		}
	}
	return kept[max(0, len(kept)-n):], nil
}

// parseLog reads the panel's native lines (docs/reference/billmanager.md §8.1). Further lines of an entry are added to it; what comes
// before the first whole entry is left out.
func parseLog(text string) []LogLine {
	text = regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(text, "")
	begin := regexp.MustCompile(`^([A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d) \[\d+:\d+\] (\S+) ([A-Z]+) (.*)$`)
	var all []LogLine
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if m := begin.FindStringSubmatch(line); m != nil {
			all = append(all, LogLine{Time: m[1], Component: m[2], Level: m[3], Text: m[4]})
		} else if len(all) > 0 {
			all[len(all)-1].Text += "\n" + line
		}
	}
	return all
}
