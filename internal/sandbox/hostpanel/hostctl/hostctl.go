// Package hostctl is the mgrctl of a stand-in hosting panel: it hands its arguments to the panel's control address, which stands in
// the file etc/sandbox-hostpanel of a root.
package hostctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is the path of the file with the control address, below the root.
const File = "etc/sandbox-hostpanel"

// Wanted reports whether arguments of mgrctl are for a hosting panel (-m ispmgr, -m dnsmgr).
func Wanted(args []string) bool {
	i := slices.Index(args, "-m")
	return i >= 0 && i+1 < len(args) && (args[i+1] == "ispmgr" || args[i+1] == "dnsmgr")
}

// Run hands the arguments over and prints the answer; it returns the exit code.
func Run(ctx context.Context, root string, args []string, stdout, stderr io.Writer) int {
	answer, err := send(ctx, root, args)
	if err != nil {
		fmt.Fprintln(stderr, "mgrctl:", err)
		return 1
	}
	defer answer.Body.Close()
	to, code := stdout, 0
	if answer.StatusCode != http.StatusOK {
		to, code = stderr, 1
	}
	if _, err := io.Copy(to, answer.Body); err != nil {
		return 1
	}
	return code
}

func send(ctx context.Context, root string, args []string) (*http.Response, error) {
	address, err := os.ReadFile(filepath.Join(root, File))
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("no such manager on this host")
	}
	if err != nil {
		return nil, err
	}
	body := strings.NewReader(strings.Join(args, "\x00") + "\x00")
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSpace(string(address))+"/mgrctl", body)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(request)
}
