package sellertest_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellertest"
	"pmssl/internal/seller/sellertest/exampleseller"
)

// brokenVariable is the environment variable with the name of the broken seller to test.
const brokenVariable = "SELLERTEST_BROKEN"

// broken is the example seller with one method that breaks a rule; a nil field keeps the example's method.
type broken struct {
	*exampleseller.Client
	account func() string
	buy     func(context.Context, seller.Purchase) (seller.Receipt, error)
	reissue func(context.Context, int64, seller.Request) (int64, []seller.Challenge, error)
	status  func(context.Context, int64) (seller.OrderStatus, error)
}

func (b *broken) Account() string {
	if b.account != nil {
		return b.account()
	}
	return b.Client.Account()
}

func (b *broken) Buy(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	if b.buy != nil {
		return b.buy(ctx, p)
	}
	return b.Client.Buy(ctx, p)
}

func (b *broken) Reissue(ctx context.Context, id int64, r seller.Request) (int64, []seller.Challenge, error) {
	if b.reissue != nil {
		return b.reissue(ctx, id, r)
	}
	return b.Client.Reissue(ctx, id, r)
}

func (b *broken) OrderStatus(ctx context.Context, id int64) (seller.OrderStatus, error) {
	if b.status != nil {
		return b.status(ctx, id)
	}
	return b.Client.OrderStatus(ctx, id)
}

// breakage breaks a rule, in a client or in its Info. found is the rule of the suite that must find it.
type breakage struct {
	found string
	of    func(b *broken)
	info  func(*seller.Info)
}

func breakages() map[string]breakage {
	return map[string]breakage{
		"a secret in the account's name": {found: "account names the address and the user, never a secret", of: func(b *broken) {
			b.account = func() string { return b.Client.Account() + exampleToken }
		}},
		"a second try of a purchase": {found: "buy is sent once: connection ends, not carried out", of: func(b *broken) {
			b.buy = func(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
				receipt, err := b.Client.Buy(ctx, p)
				if err != nil {
					return b.Client.Buy(ctx, p)
				}
				return receipt, nil
			}
		}},
		"a lost answer taken for a refusal": {found: "buy is sent once: carried out, connection ends", of: func(b *broken) {
			b.buy = func(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
				receipt, err := b.Client.Buy(ctx, p)
				if f := fault.From(err); f != nil {
					return receipt, fault.Errorf(fault.Client, f.Object, "%s", f.Message)
				}
				return receipt, nil
			}
		}},
		"a lost answer that no later run looks up": {found: "buy is sent once: HTTP 502, not carried out", of: func(b *broken) {
			b.buy = func(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
				receipt, err := b.Client.Buy(ctx, p)
				if f := fault.From(err); f != nil {
					f.Retry = false
				}
				return receipt, err
			}
		}},
		"a connection form without the other methods": {found: "info", info: func(info *seller.Info) {
			info.Params = slices.DeleteFunc(info.Params, func(p seller.Param) bool { return p.Name == seller.ParamAlterMethods })
		}},
		"a product without level": {found: "info", info: func(info *seller.Info) { info.Products[0].Level = 0 }},
		"a refusal taken for a lost answer": {found: "buy is sent once: refused in the seller's own document", of: func(b *broken) {
			b.buy = func(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
				receipt, err := b.Client.Buy(ctx, p)
				if f := fault.From(err); f != nil && p.Months > 0 {
					f.OutcomeUnknown = true
				}
				return receipt, err
			}
		}},
		"a second try of a reissue": {found: "a reissue whose answer is lost is sent once", of: func(b *broken) {
			b.reissue = func(ctx context.Context, id int64, r seller.Request) (int64, []seller.Challenge, error) {
				next, found, err := b.Client.Reissue(ctx, id, r)
				if err != nil {
					return b.Client.Reissue(ctx, id, r)
				}
				return next, found, nil
			}
		}},
		"a certificate that does not come": {found: "status follows an order to its certificate", of: func(b *broken) {
			b.status = func(ctx context.Context, id int64) (seller.OrderStatus, error) {
				status, err := b.Client.OrderStatus(ctx, id)
				status.PEM = nil
				return status, err
			}
		}},
	}
}

// TestSuiteFindsBrokenSellers runs the suite in another process, because it must fail.
func TestSuiteFindsBrokenSellers(t *testing.T) {
	for name, of := range breakages() {
		t.Run(name, func(t *testing.T) {
			again := exec.Command(os.Args[0], "-test.run=^TestBrokenSeller$", "-test.v")
			again.Env = append(again.Environ(), brokenVariable+"="+name)
			out, err := again.CombinedOutput()
			require.Error(t, err, "the suite passes")
			rule := strings.ReplaceAll(of.found, " ", "_")
			assert.Contains(t, string(out), "--- FAIL: TestBrokenSeller/"+rule)
		})
	}
}

// TestBrokenSeller runs in the other process of TestSuiteFindsBrokenSellers.
func TestBrokenSeller(t *testing.T) {
	breakage, known := breakages()[os.Getenv(brokenVariable)]
	if !known {
		t.Skip("only TestSuiteFindsBrokenSellers runs it")
	}
	subject := exampleSubject()
	subject.Info = func(env seller.Env) seller.Info {
		info := exampleseller.Info(env)
		if breakage.info != nil {
			breakage.info(&info)
		}
		connect := info.Connect
		info.Prototype = &broken{}
		info.Connect = func(params map[string]string) (seller.Seller, error) {
			connected, err := connect(params)
			if err != nil {
				return nil, err
			}
			b := &broken{Client: connected.(*exampleseller.Client)}
			if breakage.of != nil {
				breakage.of(b)
			}
			return b, nil
		}
		return info
	}
	sellertest.Run(t, subject)
}
