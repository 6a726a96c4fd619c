package ctl

import (
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/panel/root"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// moduleColumns returns the fields of processing.edit that are columns of processingmodule.
func moduleColumns() []string { return []string{"name", "active", "orderpriority", "department"} }

// editModule handles processing.edit: the form with all parameters decrypted, or, with sok, their new values.
func editModule(r *request) (Reply, error) {
	id, err := r.row("processingmodule")
	if err != nil {
		return Reply{}, err
	}
	if r.sok() {
		return confirmed, r.updateModule(id)
	}
	reply, err := r.form(
		"SELECT id AS elid, name, module, active, orderpriority, department, config FROM processingmodule WHERE id=?", id)
	if err != nil {
		return Reply{}, err
	}
	params, err := r.moduleParams(id)
	reply.Fields = append(reply.Fields, params...)
	return reply, err
}

func (r *request) updateModule(id int64) error {
	for _, p := range r.data("elid") {
		if slices.Contains(moduleColumns(), p.Name) {
			if err := r.exec("UPDATE processingmodule SET "+p.Name+"=? WHERE id=?", p.Value, id); err != nil {
				return err
			}
			continue
		}
		if err := r.setModuleParam(id, p.Name, p.Value); err != nil {
			return err
		}
	}
	return nil
}

// moduleParams returns the module's parameters by name, decrypted.
func (r *request) moduleParams(id int64) ([]Pair, error) {
	rs, err := r.db.QueryContext(r.ctx, `SELECT intname, value, 0 FROM processingparam WHERE processingmodule=?
		UNION ALL SELECT intname, value, 1 FROM processingcryptedparam WHERE processingmodule=?`, id, id)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	var all []Pair
	for rs.Next() {
		var name string
		var value sql.NullString
		var crypted int
		if err := rs.Scan(&name, &value, &crypted); err != nil {
			return nil, err
		}
		plain := value.String
		if crypted == 1 {
			if plain, err = r.cipher.Decrypt(plain); err != nil {
				return nil, err
			}
		}
		all = append(all, Pair{name, plain})
	}
	slices.SortFunc(all, func(a, b Pair) int { return strings.Compare(a.Name, b.Name) })
	return all, rs.Err()
}

// setModuleParam changes a parameter. An encrypted parameter stays encrypted.
func (r *request) setModuleParam(id int64, name, value string) error {
	crypted, err := r.isCrypted(root.ProcessingParams(), id, name)
	if err != nil {
		return err
	}
	return r.setParam(root.ProcessingParams(), id, name, value, crypted || r.params["crypted"] == "on")
}

// saveModuleParam handles processing.saveparam elid param value.
func saveModuleParam(r *request) (Reply, error) {
	id, err := r.row("processingmodule")
	if err != nil {
		return Reply{}, err
	}
	name, err := r.need("param")
	if err != nil {
		return Reply{}, err
	}
	return confirmed, r.setModuleParam(id, name, r.params["value"])
}

// saveBalance handles processing.savebalance processingmodule balance [currency notify_time].
func saveBalance(r *request) (Reply, error) {
	id, err := r.rowOf("processingmodule", "processingmodule")
	if err != nil {
		return Reply{}, err
	}
	balance, err := r.need("balance")
	if err != nil {
		return Reply{}, err
	}
	if _, err := strconv.ParseFloat(balance, 64); err != nil || strings.Trim(balance, "-.0123456789") != "" {
		return Reply{}, &Error{Type: "value", Object: "balance", Value: balance}
	}
	return confirmed, r.exec("UPDATE processingmodule SET balance=?, balancecurrency=?, balancedate=? WHERE id=?",
		balance, r.params["currency"], r.stamp(), id)
}

// setConfig handles processing.setconfig elid config=<xml>.
func setConfig(r *request) (Reply, error) {
	id, err := r.row("processingmodule")
	if err != nil {
		return Reply{}, err
	}
	return confirmed, r.exec("UPDATE processingmodule SET config=? WHERE id=?", r.params["config"], id)
}

// importService handles processing.import.service: a new item without an account, its parameters, and service_id in the
// answer (docs/reference/billmanager.md §11).
func importService(r *request) (Reply, error) {
	module, err := r.rowOf("module", "processingmodule")
	if err != nil {
		return Reply{}, err
	}
	if !r.sok() {
		return Reply{Fields: []Pair{{"module", r.params["module"]}}}, nil
	}
	tariff, err := r.importTariff(module)
	if err != nil {
		return Reply{}, err
	}
	expire := sql.NullString{String: r.params["expiredate"], Valid: r.params["expiredate"] != ""}
	if expire.Valid {
		if _, err := time.Parse(time.DateOnly, expire.String); err != nil {
			return Reply{}, &Error{Type: "value", Object: "expiredate", Value: expire.String}
		}
	}
	name, err := r.need("import_service_name")
	if err != nil {
		return Reply{}, err
	}
	id, err := r.insert(`INSERT INTO item (name, pricelist, processingmodule, period, status, createdate, opendate,
		expiredate, currency) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 153)`,
		name, tariff, module, r.number("period", 12), r.number("status", statusActive), r.stamp(), r.day(), expire)
	if err != nil {
		return Reply{}, err
	}
	for _, p := range r.data("module", "status", "expiredate", "period") {
		if r.settings.ImportIgnores {
			break
		}
		if err := r.setParam(root.ItemParams(), id, p.Name, p.Value, false); err != nil {
			return Reply{}, err
		}
	}
	return created("service_id", id), nil
}

func (r *request) number(name string, other int) int {
	if n, err := strconv.Atoi(r.params[name]); err == nil {
		return n
	}
	return other
}

// importTariff returns the tariff of an imported service: one of its type and template, preferably one that the module
// serves. The type may be missing (the PHP registrar sample sends none): then only the module's own tariffs count. The
// panel shows an imported service without a tariff; here a missing one is NULL too.
func (r *request) importTariff(module int64) (sql.NullInt64, error) {
	kind := r.params["import_itemtype_intname"]
	var id sql.NullInt64
	err := r.db.QueryRowContext(r.ctx, `SELECT p.id FROM pricelist p JOIN itemtype it ON it.id=p.itemtype
		LEFT JOIN processingmodule2pricelist m ON m.pricelist=p.id AND m.processingmodule=?
		WHERE (it.intname=? OR ?='' AND m.pricelist IS NOT NULL) AND p.intname=? AND p.parent IS NULL
		ORDER BY m.pricelist IS NULL, p.id LIMIT 1`,
		module, kind, kind, r.params["import_pricelist_intname"]).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, err
}

// importProfile handles processing.import.profile: a contact of an imported service.
func importProfile(r *request) (Reply, error) {
	module, err := r.rowOf("module", "processingmodule")
	if err != nil {
		return Reply{}, err
	}
	if !r.sok() {
		return Reply{Fields: []Pair{{"module", r.params["module"]}}}, nil
	}
	id, err := r.insert("INSERT INTO service_profile (name, profiletype) VALUES (?, ?)",
		r.params["name"], r.number("profiletype", 1))
	if err != nil {
		return Reply{}, err
	}
	for _, p := range r.data("module", "type", "externalid", "profiletype") {
		if err := r.exec("INSERT INTO service_profileparam (service_profile, intname, value) VALUES (?, ?, ?)",
			id, p.Name, p.Value); err != nil {
			return Reply{}, err
		}
	}
	err = r.exec(`INSERT INTO service_profile2processingmodule (service_profile, processingmodule, type, externalid)
		VALUES (?, ?, ?, ?)`, id, module, r.params["type"], r.params["externalid"])
	return created("profile_id", id), err
}

// assignImported handles processing.import.assign: an imported service gets its client, tariff and project
// (elid account pricelist_<id> project_<id>).
func assignImported(r *request) (Reply, error) {
	item, err := r.row("item")
	if err != nil {
		return Reply{}, err
	}
	account, err := r.rowOf("account", "account")
	if err != nil {
		return Reply{}, err
	}
	if !r.sok() {
		return Reply{Fields: []Pair{{"elid", r.params["elid"]}}}, nil
	}
	if err := r.exec("UPDATE item SET account=? WHERE id=?", account, item); err != nil {
		return Reply{}, err
	}
	field := "pricelist_" + r.params["elid"]
	if r.params[field] == "" {
		return confirmed, nil
	}
	tariff, err := r.rowOf(field, "pricelist")
	if err != nil {
		return Reply{}, err
	}
	return confirmed, r.exec("UPDATE item SET pricelist=? WHERE id=?", tariff, item)
}
