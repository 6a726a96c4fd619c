package ctl

import (
	"database/sql"
	"errors"
)

// editProfile handles service_profile.edit: name and parameters of a contact.
func editProfile(r *request) (Reply, error) {
	id, err := r.row("service_profile")
	if err != nil {
		return Reply{}, err
	}
	if !r.sok() {
		return r.form("SELECT id AS elid, name, profiletype, account FROM service_profile WHERE id=?", id)
	}
	for _, p := range r.data("elid") {
		if err := r.setProfileParam(id, p.Name, "value", p.Value); err != nil {
			return Reply{}, err
		}
	}
	return confirmed, nil
}

// setProfileParam changes a column of a contact's parameter: value or warning_message.
func (r *request) setProfileParam(profile int64, name, column, value string) error {
	var n int
	err := r.db.QueryRowContext(r.ctx,
		"SELECT COUNT(*) FROM service_profileparam WHERE service_profile=? AND intname=?", profile, name).Scan(&n)
	if err != nil {
		return err
	}
	if n == 0 {
		return r.exec("INSERT INTO service_profileparam (service_profile, intname, "+column+") VALUES (?, ?, ?)",
			profile, name, value)
	}
	return r.exec("UPDATE service_profileparam SET "+column+"=? WHERE service_profile=? AND intname=?",
		value, profile, name)
}

// profileError handles service_profile.error item type param warning_message: what is wrong with an item's contact.
func profileError(r *request) (Reply, error) {
	item, err := r.rowOf("item", "item")
	if err != nil {
		return Reply{}, err
	}
	param, err := r.need("param")
	if err != nil {
		return Reply{}, err
	}
	var profile int64
	err = r.db.QueryRowContext(r.ctx, "SELECT service_profile FROM service_profile2item WHERE item=? AND type=?",
		item, r.params["type"]).Scan(&profile)
	if errors.Is(err, sql.ErrNoRows) {
		return Reply{}, &Error{Type: "missed", Object: "service_profile", Value: r.params["type"]}
	}
	if err != nil {
		return Reply{}, err
	}
	return confirmed, r.setProfileParam(profile, param, "warning_message", r.params["warning_message"])
}

// profileToItem handles service_profile2item.edit: a contact of an item.
func profileToItem(r *request) (Reply, error) {
	profile, err := r.rowOf("service_profile", "service_profile")
	if err != nil {
		return Reply{}, err
	}
	item, err := r.rowOf("item", "item")
	if err != nil {
		return Reply{}, err
	}
	if !r.sok() {
		return Reply{Fields: []Pair{{"item", r.params["item"]}}}, nil
	}
	id, err := r.insert("INSERT INTO service_profile2item (service_profile, item, type) VALUES (?, ?, ?)",
		profile, item, r.params["type"])
	return created("elid", id), err
}

// profileToModule handles service_profile2processingmodule.edit: a contact's name at the remote system.
func profileToModule(r *request) (Reply, error) {
	profile, err := r.rowOf("service_profile", "service_profile")
	if err != nil {
		return Reply{}, err
	}
	module, err := r.rowOf("processingmodule", "processingmodule")
	if err != nil {
		return Reply{}, err
	}
	if !r.sok() {
		return Reply{Fields: []Pair{{"service_profile", r.params["service_profile"]}}}, nil
	}
	if err := r.exec(`DELETE FROM service_profile2processingmodule
		WHERE service_profile=? AND processingmodule=? AND type=?`, profile, module, r.params["type"]); err != nil {
		return Reply{}, err
	}
	id, err := r.insert(`INSERT INTO service_profile2processingmodule
		(service_profile, processingmodule, type, externalid, externalpassword) VALUES (?, ?, ?, ?, ?)`,
		profile, module, r.params["type"], r.params["externalid"], r.params["externalpassword"])
	return created("elid", id), err
}

// syncTypeValue handles itemtype.param.value.sync: a module offers a value of a type's parameter.
func syncTypeValue(r *request) (Reply, error) {
	module, err := r.rowOf("module", "processingmodule")
	if err != nil {
		return Reply{}, err
	}
	var param int64
	err = r.db.QueryRowContext(r.ctx, `SELECT p.id FROM itemtypeparam p JOIN itemtype t ON t.id=p.itemtype
		WHERE t.intname=? AND p.intname=?`, r.params["itemtype"], r.params["param"]).Scan(&param)
	if errors.Is(err, sql.ErrNoRows) {
		return Reply{}, &Error{Type: "missed", Object: "itemtypeparam", Value: r.params["param"]}
	}
	if err != nil {
		return Reply{}, err
	}
	value, err := r.need("value")
	if err != nil {
		return Reply{}, err
	}
	var id int64
	err = r.db.QueryRowContext(r.ctx, "SELECT id FROM itemtypeparamvalue WHERE itemtypeparam=? AND intname=?",
		param, value).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		id, err = r.insert("INSERT INTO itemtypeparamvalue (itemtypeparam, intname, name, name_ru) VALUES (?, ?, ?, ?)",
			param, value, r.params["name"], r.params["name_ru"])
	}
	if err != nil {
		return Reply{}, err
	}
	return confirmed, r.exec(
		"INSERT IGNORE INTO processingmodule2itemtypeparamvalue (processingmodule, itemtypeparamvalue) VALUES (?, ?)",
		module, id)
}

// suspendTypeValue handles itemtype.param.value.processing.suspend: the module no longer offers the value (elid module,
// plid value).
func suspendTypeValue(r *request) (Reply, error) {
	module, err := r.row("processingmodule")
	if err != nil {
		return Reply{}, err
	}
	value, err := r.id("plid")
	if err != nil {
		return Reply{}, err
	}
	return confirmed, r.exec(
		"DELETE FROM processingmodule2itemtypeparamvalue WHERE processingmodule=? AND itemtypeparamvalue=?", module, value)
}
