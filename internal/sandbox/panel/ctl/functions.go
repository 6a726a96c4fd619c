package ctl

import (
	"maps"
	"slices"
	"strings"
)

// table returns every function by its name (docs/reference/billmanager.md §5.2).
func table() map[string]handler {
	t := map[string]handler{
		"paramlist": paramlist, "otparamlist": paramlist,
		"exit": exit,

		"service.setstatus":                setStatus,
		"service.setexpiredate":            setExpireDate,
		"service.saveparam":                saveParam,
		"service.dropparam":                dropParam,
		"service.getnextmodule":            nextModule,
		"service.changepricelist.rollback": rollbackPricelist,
		"service.poststat":                 confirmItem,
		"service.postopeninterrupt":        post("open", nil),

		"certificate.save":   saveCertificate,
		"certificate.failed": certificateFailed,

		"runningoperation.edit":      editOperation,
		"runningoperation.setmanual": setManual,
		"runningoperation.start":     startOperation,
		"runningoperation.delete":    deleteOperation,

		"task.gettype":       taskType,
		"task.edit":          editTask,
		"task.delete":        deleteTask,
		"task.simple.create": createSimpleTask,
		"problems.register":  registerProblem,

		"processing.edit":           editModule,
		"processing.saveparam":      saveModuleParam,
		"processing.savebalance":    saveBalance,
		"processing.setconfig":      setConfig,
		"processing.import.service": importService,
		"processing.import.profile": importProfile,
		"processing.import.assign":  assignImported,

		"service_profile.edit":                  editProfile,
		"service_profile.error":                 profileError,
		"service_profile2item.edit":             profileToItem,
		"service_profile2processingmodule.edit": profileToModule,

		"itemtype.param.value.sync":               syncTypeValue,
		"itemtype.param.value.processing.suspend": suspendTypeValue,
	}
	maps.Copy(t, postFunctions())
	return t
}

// postFunctions returns the call-backs at the end of a command (docs/reference/billmanager.md §14.4).
func postFunctions() map[string]handler {
	return map[string]handler{
		"service.postopen":       post("open", opened),
		"service.postprolong":    post("prolong", prolonged),
		"service.postsuspend":    post("suspend", suspended),
		"service.postresume":     post("resume", resumed),
		"service.postclose":      post("close", closed),
		"service.postsetparam":   post("setparam", nil),
		"service.postreopen":     post("reopen", nil),
		"service.poststart":      post("start", nil),
		"service.postreboot":     post("reboot", nil),
		"service.posthardreboot": post("hardreboot", nil),
	}
}

// function returns a function by name. <itemtype>.open exists for each type of service (docs/reference/billmanager.md
// §5.2).
func function(name string) (handler, bool) {
	if h, ok := table()[name]; ok {
		return h, true
	}
	if kind, ok := strings.CutSuffix(name, ".open"); ok && kind != "" && !strings.Contains(kind, ".") {
		return openType(kind), true
	}
	return nil, false
}

func functionNames() []string { return slices.Sorted(maps.Keys(table())) }

// paramlist lists the panel's settings, each one the only child of its <elem>.
func paramlist(r *request) (Reply, error) {
	reply := Reply{List: true}
	seen := map[string]bool{}
	add := func(name, value string) {
		if !seen[name] {
			seen[name] = true
			reply.Rows = append(reply.Rows, []Pair{{name, value}})
		}
	}
	for _, d := range r.conf {
		add(d.Name, r.conf.Get(d.Name))
	}
	for _, d := range []Pair{
		{"DBHost", "localhost"}, {"DBUser", "root"}, {"DBPassword", ""}, {"DBName", "billmgr"},
		{"CryptKey", "etc/billmgr.pem"},
	} {
		add(d.Name, d.Value)
	}
	return reply, nil
}

// exit restarts the panel. The next request finds it running, which is all that a caller can see.
func exit(*request) (Reply, error) { return confirmed, nil }
