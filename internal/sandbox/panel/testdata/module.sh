#!/bin/sh
# A module in a few lines, for the tests of the stand-in panel. What it does is told by the item's own behaviour file
# var/behaviour (one word), so that a test can change it between runs.
name=${0##*/}
command=; item=; op=; value=; module=; search=
args="$*"
while [ $# -gt 1 ]; do
	case $1 in
	--command) command=$2 ;;
	--item) item=$2 ;;
	--runningoperation) op=$2 ;;
	--value) value=$2 ;;
	--module) module=$2 ;;
	--searchstring) search=$2 ;;
	esac
	shift 2
done
ctl() { SSH_CONNECTION=$name sbin/mgrctl -m billmgr -o xml "$@" >/dev/null; }
behaviour=$(cat var/behaviour 2>/dev/null)
refuse() {
	[ -z "$op" ] || ctl runningoperation.edit sok=ok elid="$op" errorxml="$1"
	printf '%s\n' "$1"
	exit "${2:-1}"
}
printf 'cwd %s\nroot %s\nstdin %s\n' "$(pwd)" "$MGR5_ROOT" "$(readlink /proc/self/fd/0)" >&2
case $behaviour in
error) refuse '<doc><error type="api_error" object="ca"><param name="value">no money</param></error></doc>' ;;
error0) refuse '<doc><error type="api_error"/></doc>' 0 ;;
exit) exit 3 ;;
hang) : >var/started; exec sleep 600 ;;
esac
case $command in
features)
	echo '<doc><itemtypes><itemtype name="certificate"/></itemtypes><params><param name="url"/><param name="password" crypted="yes"/><param name="threshold"/><customparam name="limit" defval="20"/></params><features><feature name="check_connection"/><feature name="tune_connection"/><feature name="approver"/><feature name="check_param"/><feature name="getbalance"/></features><templates><template id="fake_dv" name="fake_dv" authemail="yes"/><template name="fake_old"/></templates></doc>'
	;;
tune_connection | tuning) cat ;;
check_connection)
	case $(cat) in
	*'<password>right</password>'*) ;;
	*) refuse '<doc><error type="invalid_login_or_passwd" object=""/></doc>' ;;
	esac
	;;
check_param) [ "$value" != bad ] || refuse '<doc><error type="value" object="adm_email"/></doc>' ; echo '<doc><ok/></doc>' ;;
approver) printf '<doc><domain name="example.com"><approver>admin@example.com</approver><csr>%s</csr></domain></doc>\n' "$(cat)" ;;
open)
	ctl service.setstatus elid="$item" service_status=3 &&
	ctl service.postopen elid="$item" sok=ok
	;;
suspend | resume | close | setparam | prolong | reopen) ctl service.post"$command" elid="$item" sok=ok ;;
get_suitable_module) echo '<doc><modules><module id="2"/><module id="1"/></modules></doc>' ;;
sync_item) ctl service.setstatus elid="$item" service_status=4 ;;
cancel_prolong) ;;
getbalance) ctl processing.savebalance processingmodule="$module" balance=12.50 currency=USD sok=ok ;;
import) ctl processing.import.service sok=ok module="$module" import_itemtype_intname=certificate \
	import_pricelist_intname=fake_dv import_service_name="${search:-example.com}" status=2 custom_order_id=77 ;;
*) refuse '<doc><error type="unknown_command"/></doc>' ;;
esac
