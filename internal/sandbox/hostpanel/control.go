package hostpanel

import (
	"net/http"

	"pmssl/internal/sandbox/controlhttp"
)

// ControlHelp is the text at the root of the control address.
const ControlHelp = `Control address (JSON):

  GET  /state                      users, zones with their records, sites, certificates without their keys, settings
  POST /users                      {"name":"u1","password":"…","level":"admin|user","functions":["domain"]}
  POST /zones                      {"name":"example.com","owner":"u1","records":[{"name":"www.example.com","type":"A","value":"192.0.2.1"}]}
  DELETE /zones/{name}
  POST /zones/{name}/records       {"name":"x.example.com","type":"TXT","value":"text","ttl":60}
  POST /sites                      {"name":"example.com","owner":"u1","aliases":["www.example.com"],"certificate":"c1"}
  DELETE /sites/{name}
  POST /certificates               {"owner":"u1","name":"c1","certificate":"PEM","chain":"PEM","key":"PEM"}
  DELETE /certificates/{owner}/{name}
  PATCH /settings                  {"confirm":true}; GET /state shows all settings
  POST /freeze, POST /thaw         DNS answers from the zones of this moment, and from the present ones again
  POST /sessions/end               forget all sessions
  POST /faults                     {"function":"domain","kind":"error","type":"access","times":1}
  DELETE /faults
  GET  /requests?function=domain   requests since DELETE /requests
  DELETE /requests
  POST /mgrctl                     arguments of mgrctl, each ended by a zero byte
`

// Control is the handler of the control address. It has no authentication: serve it on loopback only.
func (p *Panel) Control() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, run func(r *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { controlhttp.Serve(w, r, ErrUnknown, run) })
	}
	act := func(pattern string, do func(r *http.Request)) {
		handle(pattern, func(r *http.Request) (any, error) { do(r); return controlhttp.Done{}, nil })
	}
	handle("GET /state", func(*http.Request) (any, error) { return p.State(), nil })
	handle("GET /requests", func(r *http.Request) (any, error) { return p.Requests(r.URL.Query().Get("function")), nil })
	handle("POST /users", put(p.PutUser))
	handle("POST /zones", put(p.PutZone))
	handle("POST /sites", put(p.PutSite))
	handle("POST /certificates", put(p.PutCertificate))
	handle("POST /zones/{name}/records", func(r *http.Request) (any, error) {
		return put(func(one Record) error { return p.AddRecord(r.PathValue("name"), one) })(r)
	})
	handle("POST /faults", put(func(f Fault) error { _, err := p.AddFault(f); return err }))
	handle("PATCH /settings", p.changeSettings)
	act("DELETE /zones/{name}", func(r *http.Request) { p.RemoveZone(r.PathValue("name")) })
	act("DELETE /sites/{name}", func(r *http.Request) { p.RemoveSite(r.PathValue("name")) })
	act("DELETE /certificates/{owner}/{name}", func(r *http.Request) { p.RemoveCertificate(r.PathValue("owner"), r.PathValue("name")) })
	act("POST /freeze", func(*http.Request) { p.Freeze() })
	act("POST /thaw", func(*http.Request) { p.Thaw() })
	act("POST /sessions/end", func(*http.Request) { p.EndSessions() })
	act("DELETE /faults", func(*http.Request) { p.ClearFaults() })
	act("DELETE /requests", func(*http.Request) { p.ClearRequests() })
	mux.HandleFunc("POST /mgrctl", p.serveMgrctl)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { controlhttp.WriteText(w, ControlHelp) })
	return mux
}

// put returns an endpoint that reads a T and hands it over.
func put[T any](do func(T) error) func(r *http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var one T
		if err := controlhttp.Read(r, &one); err != nil {
			return nil, err
		}
		return controlhttp.Done{}, do(one)
	}
}

func (p *Panel) changeSettings(r *http.Request) (any, error) {
	settings := p.State().Settings
	if err := controlhttp.Read(r, &settings); err != nil {
		return nil, err
	}
	p.SetSettings(settings)
	return settings, nil
}
