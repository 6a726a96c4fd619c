package app

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// rules LOG-6: no secret of the run leaves it, in whatever form it was written.
func TestSecretsDoNotLeaveTheRun(t *testing.T) {
	const secret = "Nimbus-2000/key+of=42"
	b64 := base64.StdEncoding.EncodeToString([]byte("user:" + secret))
	for name, written := range map[string]string{
		"plain": secret, "upper case": strings.ToUpper(secret), "hex": hex.EncodeToString([]byte(secret)), "double percent": url.QueryEscape(url.QueryEscape(secret)),
		"base64 over lines": b64[:12] + "\n" + b64[12:20] + "\r\n" + b64[20:], "two lines": secret[:8] + "\n" + secret[8:], "tags": secret[:8] + "<br/>" + secret[8:],
	} {
		for source, execute := range map[string]func(s *fixture) int{
			"parameter of the module": func(s *fixture) int {
				s.panel.params = map[string]string{"api_key": secret}
				return s.run("--command", "act", "--module", "5", "--item", "42", "--runningoperation", "7")
			},
			"parameter that is no longer declared": func(s *fixture) int {
				s.panel.params = map[string]string{"authinfo": secret}
				return s.run("--command", "act", "--module", "5", "--item", "42", "--runningoperation", "7")
			},
			"parameter of the item": func(s *fixture) int {
				s.panel.order.Params = map[string]string{"private_key": secret}
				return s.run("--command", "act", "--module", "5", "--item", "42", "--runningoperation", "7")
			},
			"--password": func(s *fixture) int {
				return s.run("--command", "act", "--module", "5", "--item", "42", "--runningoperation", "7", "--password", secret)
			},
		} {
			for how, end := range map[string]func(text string) error{
				"error": func(text string) error {
					return &fault.Error{Type: fault.Client, Object: text, Message: "refused: " + text, Params: []fault.Param{{Name: "value", Value: text}}}
				},
				"panic": func(text string) error { panic("careless: " + text) },
			} {
				run := func(ctx context.Context, run *item.Run) (*etree.Document, error) {
					if _, err := run.Panel.ModuleParams(ctx, 5); err != nil {
						return nil, err
					}
					if _, err := run.Panel.LoadItem(ctx, 42); err != nil {
						return nil, err
					}
					run.Log.Infof("careless: %s", written)
					return nil, end(written)
				}
				s := newFixture(t, plain(run))
				s.panel.tries, s.panel.kind = 10, "t"
				require.Equal(t, 1, execute(s))
				for where, text := range map[string]string{"stdout": s.stdout.String(), "history": s.panel.errorXML, "problem": s.panel.problem,
					"task": s.panel.taskText, "log": s.log(t), "stderr": s.stderr.String()} {
					for _, piece := range []string{written, secret[:8], secret[12:], b64[12:20], hex.EncodeToString([]byte(secret[:8]))} {
						assert.NotContains(t, strings.ToLower(text), strings.ToLower(piece), "%s, %s, %s: %s", source, name, how, where)
					}
				}
				assert.Contains(t, s.log(t), "***")
			}
		}
	}
}

// The hash of a public key is no secret, but what another module has saved under that name may be one.
func TestTheHashOfAKeyIsNotMasked(t *testing.T) {
	hash := strings.Repeat("0123456789abcdef", 4)
	for value, masked := range map[string]bool{hash: false, strings.ToUpper(hash): true, hash + "0": true} {
		s := newFixture(t, plain(func(ctx context.Context, run *item.Run) (*etree.Document, error) {
			_, err := run.Panel.LoadItem(ctx, 42)
			run.Log.Infof("it is %s", value)
			return nil, err
		}))
		s.panel.order.Params = map[string]string{"certificate_key": value}
		require.Equal(t, 0, s.run("--command", "act", "--item", "42"))
		assert.Equal(t, !masked, strings.Contains(s.log(t), "it is "+value), value)
	}
}

// The secret parameters of an item are masked in the log and saved unchanged.
func TestSecretsOfAnItemAreSavedAsTheyAre(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	s := newFixture(t, plain(func(ctx context.Context, run *item.Run) (*etree.Document, error) {
		if _, err := run.Panel.LoadItem(ctx, 42); err != nil {
			return nil, err
		}
		return nil, run.Panel.SaveParam(ctx, 42, "private_key", key)
	}))
	s.panel.order.Params = map[string]string{"private_key": key}
	require.Equal(t, 0, s.run("--command", "act", "--item", "42"))
	assert.Contains(t, s.panel.calls, "service.saveparam 42 private_key "+key)
}
