package control

import (
	"pmssl/internal/sandbox/panel"
)

// Endpoints returns every endpoint, in the order of the help text.
func Endpoints() []Endpoint {
	var all []Endpoint
	for _, group := range [][]Endpoint{moduleEndpoints(), orderEndpoints(), readEndpoints(), behaviourEndpoints()} {
		all = append(all, group...)
	}
	return all
}

func moduleEndpoints() []Endpoint {
	return []Endpoint{
		{"POST", "/install", "put a module binary (copied) into processing/",
			`{"name":"pmnamecheap","binary":"bin/pmnamecheap"}`, func(c *call) (any, error) {
				var b struct{ Name, Binary string }
				if err := c.into(&b); err != nil {
					return nil, err
				}
				return done(c.p.Install(b.Name, b.Binary))
			}},
		{"GET", "/features", "what the module declares", `?module=pmnamecheap`, func(c *call) (any, error) {
			return c.p.Features(c.ctx, c.query("module"))
		}},
		{"POST", "/start", "start a module with any arguments; the answer is the run",
			`{"module":"pmnamecheap","args":["--command","features"],"stdin":""}`, func(c *call) (any, error) {
				var b struct {
					Module string
					Args   []string
					Stdin  *string
				}
				if err := c.into(&b); err != nil {
					return nil, err
				}
				var stdin []byte
				if b.Stdin != nil {
					stdin = []byte(*b.Stdin)
				}
				return c.p.Start(c.ctx, b.Module, stdin, b.Args...)
			}},
		{"POST", "/mgrctl", "call sbin/mgrctl -m billmgr -o xml as an administrator",
			`{"words":["service.setstatus","elid=1","service_status=4"]}`, func(c *call) (any, error) {
				var b struct{ Words []string }
				if err := c.into(&b); err != nil {
					return nil, err
				}
				return c.p.Mgrctl(c.ctx, b.Words...)
			}},
		{"POST", "/tune_connection", "show the wizard's form once with these values",
			`{"module":"pmnamecheap","values":{"username":"sandbox"}}`, func(c *call) (any, error) {
				var b struct {
					Module string
					Values map[string]string
				}
				if err := c.into(&b); err != nil {
					return nil, err
				}
				return c.p.TuneConnection(c.ctx, b.Module, b.Values)
			}},
		{"POST", "/check_connection", "only the wizard's last step",
			`{"module":"pmnamecheap","id":1,"params":{"username":"sandbox"}}`, func(c *call) (any, error) {
				var b struct {
					Module string
					ID     int64
					Params map[string]string
				}
				if err := c.into(&b); err != nil {
					return nil, err
				}
				return c.p.CheckConnection(c.ctx, b.Module, b.ID, b.Params)
			}},
		{"POST", "/connect", "the whole wizard; id 0 in the answer: a step was refused, nothing is saved",
			`{"module":"pmnamecheap","connection":{"params":{"username":"sandbox","api_key":"…"},"threshold":"10"}}`,
			func(c *call) (any, error) {
				var b struct {
					Module     string
					Connection panel.Connection
				}
				if err := c.into(&b); err != nil {
					return nil, err
				}
				return c.p.Connect(c.ctx, b.Module, b.Connection)
			}},
	}
}

// itemBody is the body of calls on one item.
type itemBody struct {
	Item     int64             `json:"item"`
	Command  string            `json:"command"`
	CSR      string            `json:"csr"`
	Key      string            `json:"key"`
	AltNames []string          `json:"altnames"`
	Params   map[string]string `json:"params"`
	Count    int               `json:"count"`
}

// operationResult is the answer of calls that create a running operation.
type operationResult struct {
	Operation int64      `json:"operation"`
	Run       *panel.Run `json:"run"`
}

// onItem reads an itemBody and calls f with it.
func onItem(f func(c *call, b itemBody) (any, error)) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		var b itemBody
		if err := c.into(&b); err != nil {
			return nil, err
		}
		return f(c, b)
	}
}

func orderEndpoints() []Endpoint {
	return []Endpoint{
		{"POST", "/tariff", "create a tariff; answers its id",
			`{"name":"PositiveSSL","intname":"positivessl","modules":[1],"prices":{"12":"9.00"},"sans":{"included":0,"max":10}}`,
			func(c *call) (any, error) {
				var t panel.Tariff
				if err := c.into(&t); err != nil {
					return nil, err
				}
				id, err := c.p.AddTariff(c.ctx, t)
				return map[string]int64{"id": id}, err
			}},
		{"POST", "/order", "a client's order: form (check_param, approver), item, running operation, open; " +
			"pmispmgrssl and pmglobalsign.py also want adm_fname, adm_lname, adm_email, adm_phone in params",
			`{"tariff":1,"period":12,"csr":"-----BEGIN…","altnames":["www.example.com"],"params":{"approver_method":"auth_dnstxt"}}`,
			func(c *call) (any, error) { return order(c, c.p.Order) }},
		{"POST", "/place", "the same without starting open", `{"tariff":1,"period":12,"csr":"-----BEGIN…","skip_forms":true}`,
			func(c *call) (any, error) { return order(c, c.p.Place) }},
		{"POST", "/operate", "create a running operation and run it once: suspend, resume, prolong, reopen, setparam, close, open",
			`{"item":1,"command":"suspend"}`, onItem(func(c *call, b itemBody) (any, error) {
				op, run, err := c.p.Operate(c.ctx, b.Item, b.Command)
				return operationResult{op, run}, err
			})},
		{"POST", "/operation/run", "run a running operation again, manual or not", `?id=1`, func(c *call) (any, error) {
			id, err := c.id("id")
			if err != nil {
				return nil, err
			}
			return c.p.RunOperation(c.ctx, id)
		}},
		{"POST", "/pending", "run every operation that is not manual, as the panel does periodically", ``,
			func(c *call) (any, error) { return c.p.RunPending(c.ctx) }},
		{"POST", "/checkbalance", "getbalance of every active module that declares it, as the panel's cron does", ``,
			func(c *call) (any, error) { return c.p.CheckBalances(c.ctx) }},
		{"POST", "/import", "the services import form: certificates that no item references; search names some of them",
			`?module=1&search=example.com`, func(c *call) (any, error) {
				id, err := c.id("module")
				if err != nil {
					return nil, err
				}
				return c.p.Import(c.ctx, id, c.query("search"))
			}},
		{"POST", "/sync", "sync_item", `{"item":1}`, onItem(func(c *call, b itemBody) (any, error) {
			return c.p.Sync(c.ctx, b.Item)
		})},
		{"POST", "/cancel_prolong", "cancel_prolong", `{"item":1}`, onItem(func(c *call, b itemBody) (any, error) {
			return c.p.CancelProlong(c.ctx, b.Item)
		})},
		{"POST", "/reissue", "the client's button: old_altname, new CSR and names, reopen; csr and altnames may be left out",
			`{"item":1,"csr":"-----BEGIN…","altnames":["www.example.com"]}`, onItem(func(c *call, b itemBody) (any, error) {
				op, run, err := c.p.Reissue(c.ctx, b.Item, b.CSR, b.Key, b.AltNames)
				return operationResult{op, run}, err
			})},
		{"PUT", "/csr", "store another CSR, start nothing", `{"item":1,"csr":"-----BEGIN…","key":""}`,
			onItem(func(c *call, b itemBody) (any, error) { return done(c.p.SetCSR(c.ctx, b.Item, b.CSR, b.Key)) })},
		{"PUT", "/params", "store item parameters (an empty value deletes), start nothing",
			`{"item":1,"params":{"approver_email":"admin@example.com"}}`,
			onItem(func(c *call, b itemBody) (any, error) { return done(c.p.SetParams(c.ctx, b.Item, b.Params)) })},
		{"PUT", "/sans", "change the number of additional names that the client bought, start nothing", `{"item":1,"count":3}`,
			onItem(func(c *call, b itemBody) (any, error) { return done(c.p.SetExtraSANs(c.ctx, b.Item, b.Count)) })},
	}
}

func readEndpoints() []Endpoint {
	return []Endpoint{
		{"GET", "/item", "a service: status, dates, parameters (decrypted), CSR, certificate (base64), operations, tasks",
			`?id=1`, func(c *call) (any, error) {
				id, err := c.id("id")
				if err != nil {
					return nil, err
				}
				return c.p.Item(c.ctx, id)
			}},
		{"GET", "/operations", "the running operations", ``, func(c *call) (any, error) { return c.p.Operations(c.ctx) }},
		{"GET", "/tasks", "the administrator's tasks", ``, func(c *call) (any, error) { return c.p.Tasks(c.ctx) }},
		{"GET", "/problems", "the problems that modules registered with problems.register", ``,
			func(c *call) (any, error) { return c.p.Problems(c.ctx) }},
		{"GET", "/requests", "every call of mgrctl, in order", ``, func(c *call) (any, error) { return c.p.Requests() }},
		{"GET", "/balances", "the balances that modules saved with processing.savebalance, and whether they are below the threshold", ``,
			func(c *call) (any, error) { return c.p.Balances(c.ctx) }},
		{"DELETE", "/requests", "empty the request log", ``, func(c *call) (any, error) { return done(c.p.ClearRequests()) }},
	}
}

func behaviourEndpoints() []Endpoint {
	return []Endpoint{
		{"GET", "/settings", "how the panel behaves where the protocol leaves it open", ``,
			func(c *call) (any, error) { return c.p.Settings() }},
		{"PUT", "/settings", "crt_store: pem, zip, base64 or refuse; structured_error_exit: mgrctl's exit code for an error in xml and json; " +
			"import_ignores: processing.import.service drops item parameters; save_params: which of several parameters service.saveparam takes, all, first, last or refuse",
			`{"crt_store":"base64","structured_error_exit":1,"import_ignores":true}`, func(c *call) (any, error) {
				var s panel.Settings
				if err := c.into(&s); err != nil {
					return nil, err
				}
				return done(c.p.SetSettings(s))
			}},
		{"GET", "/faults", "the active faults, each with its remaining times and skip", ``, func(c *call) (any, error) { return c.p.Faults() }},
		{"PUT", "/faults", "replace the faults: kinds error, error_after, hang, hang_after, exit, garbage, empty, down; func * = all; times 0 = until cleared",
			`[{"func":"service.postopen","kind":"error","times":2,"skip":0,"type":"db"}]`, func(c *call) (any, error) {
				var f []panel.Fault
				if err := c.into(&f); err != nil {
					return nil, err
				}
				return done(c.p.SetFaults(f...))
			}},
		{"GET", "/clock", "the panel's time", ``, func(c *call) (any, error) {
			now, err := c.p.Now()
			return clock{now}, err
		}},
		{"PUT", "/clock", "move the panel's time", `{"time":"2027-01-01T00:00:00Z"}`, func(c *call) (any, error) {
			var b clock
			if err := c.into(&b); err != nil {
				return nil, err
			}
			return done(c.p.SetClock(b.Time))
		}},
	}
}
